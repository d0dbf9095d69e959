"""The environment that a result was made in."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

from shiftassay.errors import BadInput
from shiftassay.records import JsonObject, Record

PACKAGES = ("shiftassay", "torch", "numpy", "scipy")
CODE = ("src", "benchmarks", "pyproject.toml", "setup.py", "constraints.txt", "Makefile")
"""What results depend on, in a checkout."""

_ROOT = Path(__file__).resolve().parents[3]
CHECKOUT = _ROOT if (_ROOT / ".git").exists() and (_ROOT / "src" / "shiftassay").is_dir() else None


@dataclass(frozen=True)
class Environment(Record):
    """Time, versions, machine, device, threads and commit (None outside a checkout).

    The commit ends with `-dirty` if the code was not all committed.

    A run's has also how many members were trained together (`population`) and the seconds of each epoch.
    """

    made: str
    python: str
    packages: Mapping[str, str]
    system: str
    processor: str
    cores: int | None
    device: str
    threads: int | None
    commit: str | None
    population: int | None = None
    seconds: tuple[float | None, ...] | None = None

    def to_json(self) -> JsonObject:
        """All fields; those that only runs have, where they are set."""
        of_runs = ("population", "seconds")
        return {name: value for name, value in super().to_json().items() if value is not None or name not in of_runs}


def environment(device: str = "cpu", threads: int | None = None, population: int | None = None) -> Environment:
    """The environment as it is now."""
    return Environment(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        device=device,
        threads=threads,
        commit=commit(),
        population=population,
    )


@cache
def commit() -> str | None:
    """The commit of the checkout that this code is in.

    As it was when this process first asked; None outside one.
    """
    if CHECKOUT is None or (described := _git("describe", "--always", "--abbrev=12")) is None:
        return None
    return described + ("-dirty" if _git("status", "--porcelain", "--untracked-files=all", "--", *CODE) else "")


def check_committed(target: Path) -> None:
    """Raise `BadInput` for a file in docs/results while code is not committed.

    Only for the results of the checkout that this code is in.

    To be asked before the work: what stands there names the commit that anybody can make it again from.
    """
    if CHECKOUT is None or (CHECKOUT / "docs" / "results") not in target.resolve().parents:
        return
    if (commit() or "").endswith("-dirty"):
        raise BadInput(
            f"{target}: what stands in docs/results names the commit that made it, and {', '.join(CODE[:-1])} or "
            f"{CODE[-1]} has changes that are not committed. Commit them first, or write to another folder."
        )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _git(*arguments: str) -> str | None:
    """What git says of the checkout; None where it says nothing."""
    command = ["git", "-C", str(CHECKOUT), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)  # noqa: S603  # our own command
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
