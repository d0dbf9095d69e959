"""Disks that are full at any point.

The command says so, and once there is room the same command goes on to the same results.
"""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import numpy as np
from benchmarks.torture.commands import WORKLOADS, fingerprint, ready, run, strays
from benchmarks.torture.kills import judge, undisturbed
from benchmarks.torture.outcome import Outcome


def can_mount() -> bool:
    """Whether this process may make file systems of its own."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("mount") is not None


def full_disks(name: str, count: int, folder: Path, seed: int) -> Outcome:
    """A file system of each of so many random sizes, which is then made larger.

    Sizes go from a few kB up to what the results take.
    """
    work, outcome = WORKLOADS[name], Outcome(f"full disks under {name}")
    expected, _, _ = undisturbed(work, folder / "undisturbed")
    needed = sum(p.stat().st_size for p in (folder / "undisturbed" / work.results).rglob("*") if p.is_file())
    place = ready(work, folder / "full")
    disk = place / work.results
    sizes = np.random.default_rng(seed).uniform(8e3, 0.98 * needed, count)
    for size in sizes.astype(int).tolist():
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
        try:
            ended = run(work.arguments, place)
            outcome.tried += 1
            _judge_full(outcome, ended.code, ended.err, disk, f"{size:,} bytes")
            subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
            judge(outcome, work, place, expected, f"{size:,} bytes")
        finally:
            subprocess.run(["umount", str(disk)], check=True)
            disk.rmdir()
    return outcome


def failing_writes(name: str, count: int, folder: Path, seed: int) -> Outcome:
    """Writes that fail with "no space left" from a random one on, as they do where space is allotted late."""
    work, rng, outcome = WORKLOADS[name], np.random.default_rng(seed), Outcome(f"failing writes in {name}")
    expected, _, steps = undisturbed(work, folder / "undisturbed")
    for turn in range(count):
        place = ready(work, folder / f"turn{turn}")
        ended = run(work.arguments, place, failing_from(int(rng.integers(1, steps // 6 + 1))))
        outcome.tried += 1
        _judge_full(outcome, ended.code, ended.err, place / work.results, f"turn {turn}")
        judge(outcome, work, place, expected, f"turn {turn}")
        shutil.rmtree(place)
    return outcome


def failing_from(write: int) -> Callable[[], None]:
    """A setup after which every file that is brought to the disk from the so-manieth on finds it full."""

    def setup() -> None:
        written, sync = [0], os.fsync

        def fsync(descriptor: int) -> None:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                written[0] += 1
                if written[0] >= write:
                    raise OSError(ENOSPC, os.strerror(ENOSPC))
            sync(descriptor)

        os.fsync = fsync

    return setup


def _judge_full(outcome: Outcome, code: int, err: str, folder: Path, case: str) -> None:
    outcome.more["ended all the same"] += code == 0
    if code == -signal.SIGKILL:
        outcome.fault("wedged", case)
    elif code not in (0, 2) or (code == 2 and "No space left" not in err and "no room" not in err):
        outcome.fault("silent", f"{case}: exit {code}: {err[-300:]}")
    if left := strays(folder):
        outcome.fault("lost", f"{case}: partial files stay: {', '.join(left)}")
    fingerprint(folder)  # every JSON file that is there is whole
