"""How long a diagnosis takes, and how much memory: `make diagnosis-speed`. Writes docs/results/diagnosis-speed.json.

Whole commands are timed, from start to end, on shifts made by NumPy and SciPy; nothing else should run meanwhile.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.ndimage import map_coordinates, rotate

from shiftassay.arrays.dataset import load_dataset
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "diagnosis-speed.json"
PROGRAM = Path(sys.executable).parent / "shiftassay"
SIZES = (1000, 10_000)
REPEATS = 3


def turned(images: np.ndarray) -> np.ndarray:
    return rotate(images, 15, (2, 1), reshape=False, order=1)


def noisy(images: np.ndarray) -> np.ndarray:
    return np.clip(images + np.random.default_rng(0).normal(0, 0.15, images.shape), 0, 1)


def swirled(images: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:28, :28] - 13.5
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    angle = angle + 2.2 * np.exp(-radius / 7)
    places = [radius * np.sin(angle) + 13.5, radius * np.cos(angle) + 13.5]
    return np.stack([map_coordinates(image, places, order=1) for image in images])


SHIFTS = {
    "rotation": turned,
    "Gaussian noise": noisy,
    "rotation, then Gaussian noise": lambda images: noisy(turned(images)),
    "a swirl, which is unknown": swirled,
}


def main() -> None:
    images = load_dataset("mnist").test.images[:, 0]
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        run("train", "mlp", "--epochs", "2", folder=folder)
        model = str(next(Path(folder).glob("out/runs/mlp-*")))
        for name, make in SHIFTS.items():
            shifted = make(images).astype(np.float32)
            for size in SIZES:
                np.save(Path(folder, "clean.npy"), images[:size])
                np.save(Path(folder, "shifted.npy"), shifted[:size])
                asked = ("diagnose", "clean.npy", "shifted.npy", "--model", model)
                times, memory = zip(*(run(*asked, folder=folder) for _ in range(REPEATS)), strict=True)
                found.append({"shift": name, "images": size, "seconds": times, "memory_gb": max(memory)})
                print(found[-1])
    write_json(RESULT, {
        "schema": "shiftassay.diagnosis-speed/1",
        "command": "make diagnosis-speed",
        "environment": environment(),
        "diagnoses": found,
    })  # fmt: skip


def run(*command: str, folder: str) -> tuple[float, float]:
    """The command's seconds, and its largest resident memory in GB."""
    began = perf_counter()
    process = subprocess.Popen([PROGRAM, *command], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return round(perf_counter() - began, 2), round(used.ru_maxrss / 1e6, 2)


if __name__ == "__main__":
    main()
