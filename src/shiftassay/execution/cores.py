"""How many cores this process may use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """The number of cores that this process may use.

    Those of its affinity mask, or fewer where its cgroup's quota or OMP_NUM_THREADS allows fewer. A quota of one and a
    half cores counts as two: a second thread has half a core to itself.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [max(ceil(quota), 1) for quota in _quotas(CGROUPS, _own_group())]
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        limits.append(int(asked))
    return min([allowed, *limits])


def _own_group() -> str:
    """The path of this process's control group; the root where the kernel does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" or "cpu" in controllers.split(","):
                return path
    return "/"


def _quotas(root: Path, group: str) -> Iterator[float]:
    """The quotas, in cores, of the group and its ancestors, in cgroups of version 2 and 1."""
    folders = [root / group.strip("/"), *(root / group.strip("/")).parents] if group.strip("/") else [root]
    for folder in (f for f in folders if f.is_relative_to(root)):
        with suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)  # "max", where there is none, is no number
    inner = root / "cpu" / group.strip("/")
    for folder in (inner, root / "cpu"):
        with suppress(OSError, ValueError):
            quota = int((folder / "cpu.cfs_quota_us").read_text())
            if quota > 0:
                yield quota / int((folder / "cpu.cfs_period_us").read_text())
