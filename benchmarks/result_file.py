"""Where and how benchmarks write their results: into docs/results from committed code only."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shiftassay.errors import BadInput
from shiftassay.runs.environment import check_committed


def result_file(path: str | Path) -> Path:
    """The path; ends the program with a plain error where `check_committed` refuses it."""
    try:
        check_committed(Path(path))
    except BadInput as error:
        sys.exit(str(error))
    return Path(path)


def with_lines(content: Mapping[str, Any], key: str) -> str:
    """JSON with a line for each entry under a key."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in content[key].items())
    outer = json.dumps({**content, key: {}}, indent=1, ensure_ascii=False)
    return outer.replace(f'"{key}": {{}}', f'"{key}": {{\n{rows}\n }}') + "\n"
