"""Where benchmarks may write their results: into docs/results from committed code only."""

import sys
from pathlib import Path

from shiftassay.errors import BadInput
from shiftassay.runs.environment import check_committed


def result_file(path: str | Path) -> Path:
    """The path; ends the program with a plain error where `check_committed` refuses it."""
    try:
        check_committed(Path(path))
    except BadInput as error:
        sys.exit(str(error))
    return Path(path)
