"""The native step, built three times from one source. Where there is no compiler the package installs without it."""

import platform
from pathlib import Path

from setuptools import Extension, setup

FLAGS = {
    "portable": [],
    "avx2": ["-mavx2", "-mfma", "-mbmi2"],
    "avx512": [
        "-mavx512f",
        "-mavx512bw",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx2",
        "-mfma",
        "-mbmi2",
        "-mprefer-vector-width=512",
    ],
}
COMMON = ["-std=gnu++17", "-O3", "-g0", "-fvisibility=hidden", "-ffp-contract=fast", "-fno-math-errno", "-pthread"]
X86 = platform.machine().lower() in ("x86_64", "amd64")

setup(
    ext_modules=[
        Extension(
            f"shiftassay.kernels._{build}",
            sources=["src/shiftassay/kernels/engine.cpp"],
            depends=sorted(map(str, Path("src/shiftassay/kernels").glob("*.hpp"))),
            extra_compile_args=[*COMMON, *flags],
            extra_link_args=["-pthread"],
            language="c++",
            optional=True,
        )
        for build, flags in FLAGS.items()
        if X86 or build == "portable"
    ],
)
