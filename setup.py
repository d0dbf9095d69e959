"""The native step, built three times from one source. Where there is no compiler the package installs without it."""

import platform

from setuptools import Extension, setup

FLAGS = {
    "portable": [],
    "avx2": ["-mavx2", "-mfma", "-mbmi2"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mbmi2", "-mprefer-vector-width=512"],
}
X86 = platform.machine().lower() in ("x86_64", "amd64")

setup(
    ext_modules=[
        Extension(
            f"shiftassay.kernels._{build}",
            sources=["src/shiftassay/kernels/engine.cpp"],
            extra_compile_args=["-std=gnu++17", "-O3", "-fvisibility=hidden", "-ffp-contract=fast", "-fno-math-errno", *flags],
            extra_link_args=["-pthread"],
            language="c++",
            optional=True,
        )
        for build, flags in FLAGS.items()
        if X86 or build == "portable"
    ],
)
