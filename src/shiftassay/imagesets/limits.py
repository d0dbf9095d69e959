"""How much a file may take: memory, stated and checked before it is taken."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shiftassay.errors import BadInput
from shiftassay.words.numbers import in_bytes

try:
    import resource
except ImportError:  # Windows, where a process has no such limits
    resource = None

SHARE = 0.5  # of the memory that is available: the set beside it, and whatever is then done with both, needs the rest
LARGEST_RATIO = 200  # masks of one byte a pixel shrink by up to 120 (dSprites), nothing but zeros by 1,030
SMALL = 64 << 20  # bytes that a file may unpack to whatever the ratio
FLOAT = 4  # bytes of one value of an image as everything after reading has it


def check_memory(stored: int, values: int, where: str) -> None:
    """Raise `BadInput` if a file would take more memory than it may.

    It takes `stored` bytes and a copy of its `values` as float32.
    """
    needed, available = stored + FLOAT * values, available_memory()
    if available is not None and needed > SHARE * available:
        parts = f", {in_bytes(stored)} as stored and the rest as float32" if values else ""
        raise BadInput(
            f"{where}: reading it takes {in_bytes(needed)}{parts}. A file may take {SHARE:.0%} of the memory that is "
            f"available, which is {in_bytes(available)}. Save less in one file, or read it on a machine with more."
        )


def check_ratio(unpacked: int, packed: int, where: str) -> None:
    """Raise `BadInput` for compressed data whose claimed ratio is too high for images."""
    if unpacked > SMALL and unpacked > LARGEST_RATIO * packed:
        raise BadInput(
            f"{where}: says that its {in_bytes(packed)} unpack to {in_bytes(unpacked)}. Beyond {in_bytes(SMALL)}, "
            f"more than {LARGEST_RATIO} times the compressed size is refused: it may be made to fill the memory. "
            "If it is yours, save it uncompressed."
        )


@contextmanager
def enough_memory(where: str) -> Iterator[None]:
    """Turn a `MemoryError` into `BadInput`.

    Other processes may have taken the memory since it was checked.
    """
    try:
        yield
    except MemoryError:
        raise BadInput(f"{where}: reading it takes more memory than there is. Save less in one file.") from None


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process can still allocate.

    The least of what the machine, its container and the limits of the process leave. None where the system says
    nothing. `root` is where its files are.
    """
    remaining = [*_of_machine(root), *_of_containers(root), *_of_process(root)]
    return max(0, min(remaining)) if remaining else None


def _of_machine(root: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) << 10


def _of_process(root: Path) -> Iterator[int]:
    if resource is not None and (most := resource.getrlimit(resource.RLIMIT_AS)[0]) != resource.RLIM_INFINITY:
        taken = 0
        with suppress(OSError, ValueError):
            taken = int((root / "proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        yield most - taken


def _of_containers(root: Path) -> Iterator[int]:
    """What remains to each control group of this process and to their ancestors.

    Version 2 first, then version 1.
    """
    for group in _groups(root):
        for most, now, reclaimable in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            with suppress(OSError, ValueError):  # "max" is no number: no limit
                limit, used = (int((group / file).read_text()) for file in (most, now))
                yield limit - used + _reclaimable(group, reclaimable)


def _groups(root: Path) -> Iterator[Path]:
    mounts = {"": root / "sys/fs/cgroup", "memory": root / "sys/fs/cgroup/memory"}
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, place = line.split(":", 2)
            mount = mounts.get("memory" if "memory" in controllers.split(",") else controllers)
            if mount is not None:  # inside a container the path may be the host's; its own group is then the mount
                inside = Path(place.lstrip("/"))
                yield from (mount / part for part in (inside, *inside.parents))


def _reclaimable(group: Path, key: str) -> int:
    """Bytes of the group's page cache, which the system frees on demand."""
    with suppress(OSError, ValueError):
        for line in (group / "memory.stat").read_text().splitlines():
            if line.startswith(f"{key} "):
                return int(line.split()[1])
    return 0
