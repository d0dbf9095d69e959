"""The environment that a result was made in."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from shiftassay.records import JsonObject, Record

PACKAGES = ("shiftassay", "torch", "numpy", "scipy")


@dataclass(frozen=True)
class Environment(Record):
    """Time, versions, machine, device, threads and commit (None outside a checkout).

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
        commit=_commit(),
        population=population,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, timeout=10)  # noqa: S603  # our own command
    except (OSError, subprocess.TimeoutExpired):
        return None
    return described.stdout.strip() or None
