"""How long a diagnosis takes, and how much memory: `make diagnosis-speed`. Writes docs/results/diagnosis-speed.json.

Whole commands are timed, from start to end, on cases of the diagnosis benchmark; nothing else should run meanwhile.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from benchmarks.diagnosis.build import build
from benchmarks.diagnosis.collection import every_case
from benchmarks.result_file import result_file

from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "diagnosis-speed.json"
PROGRAM = Path(sys.executable).parent / "shiftassay"
SIZES = (1000, 10_000)
REPEATS = 3
SHIFTS = {  # cases of the diagnosis benchmark
    "rotation": "geometry/rotate:angle=15/cv2-bilinear",
    "Gaussian noise": "noise/gaussian_noise:sd=0.15/each/float",
    "rotation, then Gaussian noise": "compose/rotate:angle=15/scipy-bilinear + gaussian_noise:sd=0.15/each/float",
    "a swirl, which is unknown": "unknown/unknown/swirl-3",
}


def main() -> None:
    result_file(RESULT)
    measured: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        run("train", "mlp", "--epochs", "2", folder=folder)
        model = str(next(Path(folder).glob("out/runs/mlp-*")))
        for name, case in SHIFTS.items():
            for size in SIZES:
                built = build(every_case()[case], size)
                np.save(Path(folder, "clean.npy"), built.reference)
                np.save(Path(folder, "shifted.npy"), built.shifted)
                asked = ("diagnose", "clean.npy", "shifted.npy", "--model", model)
                times, memory = zip(*(run(*asked, folder=folder) for _ in range(REPEATS)), strict=True)
                measured.append({"shift": name, "images": size, "seconds": times, "memory_gb": max(memory)})
                print(measured[-1])
    write_json(
        RESULT,
        {
            "schema": "shiftassay.diagnosis-speed/1",
            "command": "make diagnosis-speed",
            "environment": environment().to_json(),
            "diagnoses": measured,
        },
    )


def run(*command: str, folder: str) -> tuple[float, float]:
    """The command's seconds, and the most resident memory in GB that it, or one of its helpers, had."""
    began = perf_counter()
    process = subprocess.Popen([PROGRAM, *command], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return round(perf_counter() - began, 2), round(used.ru_maxrss / 1e6, 2)


if __name__ == "__main__":
    main()
