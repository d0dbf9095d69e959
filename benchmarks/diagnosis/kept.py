"""Where outcomes are kept: by case and by the source that they depend on.

A run that was stopped goes on where it was, and a change to diagnosis, shifts or cases runs again.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "out" / "diagnosis-benchmark"
SOURCES = ("src/shiftassay/diagnosis", "src/shiftassay/shifts", "src/shiftassay/statistics", "benchmarks/diagnosis")
NOT_SOURCES = {"report.py", "run.py", "page.py", "log.py", "tables.py", "__main__.py"}


def file(name: str, *depends: object) -> Path:
    """The file of an outcome: its name is readable, and a hash of everything it depends on."""
    readable = re.sub(r"[^a-z0-9_]+", "-", name.lower())[:60]
    digest = hashlib.sha256(" ".join(map(str, (name, *depends, source()))).encode()).hexdigest()
    return FOLDER / f"{readable}-{digest[:12]}.json"


@cache
def source() -> str:
    """The digest of the source that a verdict and its judgement depend on."""
    return digest(*SOURCES)


def digest(*folders: str) -> str:
    """The digest of the Python and JSON files in these folders."""
    sha = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".json") and path.name not in NOT_SOURCES:
                sha.update(path.read_bytes())
    return sha.hexdigest()


def single_threaded() -> None:
    """For a worker, of which there is one for each core."""
    import torch

    torch.set_num_threads(1)
