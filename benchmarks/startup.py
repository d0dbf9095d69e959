"""How long the command line keeps people waiting: `make startup`. Writes docs/results/startup.json.

A whole first epoch is timed from the command's start: the first step is sooner.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.result_file import result_file

from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "startup.json"
PROGRAM = Path(sys.executable).parent / "shiftassay"
COMMANDS = ("--help", "train --help", "list shifts", "train stn --epochs 1", "train mlp --epochs 1")
REPEATS = 5


def main() -> None:
    result_file(RESULT)
    seconds: dict[str, list[float]] = {command: [] for command in COMMANDS}
    for _ in range(REPEATS):
        for command in COMMANDS:
            with tempfile.TemporaryDirectory() as folder:
                began = perf_counter()
                subprocess.run([PROGRAM, *command.split()], cwd=folder, check=True, capture_output=True)
                seconds[command].append(round(perf_counter() - began, 3))
    write_json(
        RESULT,
        {
            "schema": "shiftassay.startup/1",
            "command": "make startup",
            "environment": environment().to_json(),
            "seconds": seconds,
        },
    )
    print(seconds)


if __name__ == "__main__":
    main()
