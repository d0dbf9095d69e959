"""How long a diagnosis of photographs takes by their side and number, and how much memory: `make sizes`.

Whole commands are timed, from start to end, in docs/results/sizes.json; nothing else should run meanwhile.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from benchmarks.diagnosis_speed import run
from benchmarks.photographs.source import photographs
from benchmarks.result_file import result_file
from skimage.transform import swirl

from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "sizes.json"
SIZES = ((32, 300), (64, 300), (224, 10), (224, 50), (224, 300), (1024, 50))
"""Side in pixels, and pairs."""

Picture = np.ndarray  # uint8 (side, side, 3)


def turned(x: Picture) -> Picture:
    side = x.shape[0]
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), 8, 1)
    return cv2.warpAffine(x, turn, (side, side), flags=cv2.INTER_LINEAR)


def jpeg(x: Picture) -> Picture:
    return cv2.imdecode(cv2.imencode(".jpg", x[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)[..., ::-1]


def darker(x: Picture) -> Picture:
    return np.rint(255 * (x / 255) ** 1.6).astype(np.uint8)


def blurred(x: Picture) -> Picture:
    return cv2.GaussianBlur(x, (0, 0), 1.5)


def swirled(x: Picture) -> Picture:
    return np.rint(255 * swirl(x / 255, strength=2, radius=x.shape[0] / 2)).astype(np.uint8)


SHIFTS: dict[str, Callable[[Picture], Picture]] = {
    "BGR for RGB": lambda x: x[..., ::-1],
    "rotation": turned,
    "blur": blurred,
    "JPEG": jpeg,
    "gamma, then rotation": lambda x: turned(darker(x)),
    "a swirl, which is unknown": swirled,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, nargs="*", help="of these sides only, without writing the file")
    parser.add_argument("--shift", nargs="*", choices=SHIFTS, help="these only, without writing the file")
    asked = parser.parse_args()
    whole = not (asked.side or asked.shift)
    if whole:
        result_file(RESULT)
    measured = []
    for side, pairs in SIZES:
        if asked.side and side not in asked.side:
            continue
        pictures = photographs("development", pairs, side)
        for name in asked.shift or SHIFTS:
            measured.append({"shift": name, "side": side, "pairs": pairs} | diagnosed(pictures, SHIFTS[name]))
            print(measured[-1], flush=True)
    if whole:
        head = {"schema": "shiftassay.sizes/1", "command": "make sizes", "environment": environment().to_json()}
        write_json(RESULT, head | {"diagnoses": measured})


def diagnosed(pictures: np.ndarray, shift: Callable[[Picture], Picture]) -> dict[str, object]:
    """What the command names, its seconds, and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "clean.npy"), pictures)
        np.save(Path(folder, "shifted.npy"), np.stack([shift(picture) for picture in pictures]))
        seconds, memory = run("diagnose", "clean.npy", "shifted.npy", "--json", "verdict.json", folder=folder)
        verdict = json.loads(Path(folder, "verdict.json").read_text(encoding="utf-8"))["verdict"]
    return {"named": verdict["family"], "seconds": seconds, "memory_gb": memory}


if __name__ == "__main__":
    main()
