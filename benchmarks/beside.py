"""How long a diagnosis takes beside other commands of ours, or beside busy loops.

It is compared with its fair share of the machine: `python -m benchmarks.beside --json docs/results/beside.json`.
Nothing else should run meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
from benchmarks.result_file import result_file

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.runs.environment import environment
from shiftassay.shifts.catalog import shift

OTHERS = 4
IMAGES = 1000
COMMAND = [sys.executable, "-m", "shiftassay.cli"]
BESIDE = {
    "nothing": None,
    "busy loops": [sys.executable, "-c", "while True: pass"],
    "diagnoses": [*COMMAND, "diagnose", "clean.npy", "other.npy"],
    "trainings": [*COMMAND, "train", "mlp", "--epochs", "200", "--out", "trained-{}"],
    "trainings on the plain path": [sys.executable, "-c", "PLAIN"],
}
PLAIN = """
import shiftassay, torch
from torch import nn
network = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2704, 10))
optimizer = torch.optim.AdamW(network.parameters())
images, labels = torch.rand(128, 1, 28, 28), torch.randint(0, 10, (128,))
while True:
    optimizer.zero_grad()
    nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="of each, in turn")
    parser.add_argument("--json", type=result_file)
    asked = parser.parse_args()
    here, cores = environment(), len(os.sched_getaffinity(0))
    seconds: dict[str, list[float]] = {name: [] for name in BESIDE}
    with tempfile.TemporaryDirectory() as folder:
        _write_sets(Path(folder))
        for _ in range(asked.times):
            for name in BESIDE:
                seconds[name].append(_one(name, folder))
    alone = statistics.median(seconds["nothing"])
    rows = []
    for name, times in seconds.items():
        # A diagnosis works with as many processes as there are cores, and so do other commands; a loop is one process.
        rivals = 0 if name == "nothing" else OTHERS * (1 if name == "busy loops" else cores)
        fair = alone * (cores + rivals) / cores
        middle = statistics.median(times)
        rows.append({"beside": name, "seconds": times, "median": middle, "fair": fair, "ratio": middle / fair})
        print(f"{name:<28} {middle:6.1f} s, fair {fair:6.1f} s, ratio {middle / fair:.2f}")
    if asked.json:
        command = f"python -m benchmarks.beside --times {asked.times}"
        content = {"command": command, "environment": here.to_json(), "others": OTHERS, "images": IMAGES, "rows": rows}
        asked.json.write_text(json.dumps(content, indent=1) + "\n")


def _write_sets(folder: Path) -> None:
    """The pair that is timed, and the one that the other diagnoses look at."""
    clean = load_dataset("mnist").test.first(IMAGES)
    for name, family in (("clean", "identity"), ("rotated", "rotate:angle=15"), ("other", "gaussian_noise:sd=0.2")):
        np.save(folder / f"{name}.npy", shift(clean, family).images[:, 0])


def _one(name: str, folder: str) -> float:
    """The seconds of one diagnosis beside that; a command that ends is started again."""
    arguments = BESIDE[name]
    others = [_started(arguments, folder, i) for i in range(OTHERS)] if arguments else []
    try:
        if others:
            sleep(8)
        begun = perf_counter()
        mine = subprocess.Popen(
            [*COMMAND, "diagnose", "clean.npy", "rotated.npy"], cwd=folder, stdout=subprocess.DEVNULL
        )
        while mine.poll() is None:
            others = [o if o.poll() is None else _started(arguments or [], folder, i) for i, o in enumerate(others)]
            sleep(0.02)
        if mine.returncode:
            raise SystemExit(f"the diagnosis ended with {mine.returncode}")
        return perf_counter() - begun
    finally:
        for other in others:
            other.kill()
            other.wait()


def _started(arguments: list[str], folder: str, number: int) -> subprocess.Popen:
    filled = [PLAIN if argument == "PLAIN" else argument.replace("{}", str(number)) for argument in arguments]
    return subprocess.Popen(filled, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
