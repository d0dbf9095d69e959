"""README's example, as its commands print it: `make example`. Writes docs/results/example.json, in about a minute.

Besides, how strong some changes of digits are, for docs/diagnosis.md.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.result_file import result_file

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import Images
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json
from shiftassay.shifts.catalog import shift

RESULT = Path(__file__).parent.parent / "docs" / "results" / "example.json"
COMMANDS = (
    ("train", "mlp", "--epochs", "3"),
    ("shift", "rotate:angle=15", "mnist:test", "rotated.npy"),
    ("diagnose", "mnist:test", "rotated.npy", "--model", "out/runs/mlp-…", "--json", "diagnosis.json"),
)
ANGLES = (1, 5, 15)  # degrees


def main() -> None:
    result_file(RESULT)
    with tempfile.TemporaryDirectory() as folder:
        printed = [run(command, Path(folder)) for command in COMMANDS]
        diagnosis = json.loads(Path(folder, "diagnosis.json").read_text(encoding="utf-8"))
    content = {
        "schema": "shiftassay.example/1",
        "command": "make example",
        "environment": environment().to_json(),
        "commands": [f"shiftassay {' '.join(command)}" for command in COMMANDS],
        "printed": printed[-1],
        "diagnosis": {key: diagnosis[key] for key in ("verdict", "accuracy", "evaluations")},
        "changes": changes(),
    }
    write_json(RESULT, content)
    print(printed[-1])


def run(command: tuple[str, ...], folder: Path) -> str:
    """What a command prints; "…" stands for the rest of the only name that begins so."""
    named = [str(next(folder.glob(part.replace("…", "*")))) if "…" in part else part for part in command]
    made = subprocess.run(
        [sys.executable, "-m", "shiftassay.cli", *named], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return made.stdout.replace(f"{folder}/", "")


def changes() -> list[dict[str, str | float]]:
    """Mean squares of some changes of the test set, beside the variance of its pixels before."""
    digits = load_dataset("mnist").test
    pairs = {
        f"rotation by {angle}°": (digits.images, shift(digits, f"rotate:angle={angle}").images) for angle in ANGLES
    }
    turned = pairs[f"rotation by {ANGLES[-1]}°"][1]
    pairs["rounding to 8 bits"] = turned, np.round(255 * turned) / 255
    pairs["cutting to 8 bits"] = turned, np.floor(255 * turned) / 255
    return [{"change": name, **_change(*pair)} for name, pair in pairs.items()]


def _change(before: Images, after: Images) -> dict[str, float]:
    return {
        "mean_square": float(np.mean(np.square(after - before), dtype=float)),
        "variance": float(np.var(before, dtype=float)),
    }


if __name__ == "__main__":
    main()
