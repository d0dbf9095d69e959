"""What is done at full length, and doing one piece of it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.torture.damage import damages
from benchmarks.torture.disk import can_mount, failing_writes, full_disks
from benchmarks.torture.kills import kills
from benchmarks.torture.outcome import Outcome
from benchmarks.torture.power import can_record, power_cuts
from benchmarks.torture.together import together

Torture = tuple[Callable[..., Outcome], str, int]
"""What is done, to which workload, and how often (of damage: to every so-manieth case)."""

FULL: list[Torture] = [
    (kills, "study", 100),
    (kills, "train", 120),
    (damages, "study", 1),
    (damages, "train", 1),
    (kills, "repair", 24),
    (kills, "variants", 40),
    (damages, "variants", 1),
    (damages, "repair", 2),
    (power_cuts, "study", 48),
    (power_cuts, "train", 40),
    (power_cuts, "variants", 16),
    (power_cuts, "repair", 8),
    (full_disks, "study", 20),
    (full_disks, "train", 16),
    (full_disks, "variants", 8),
    (full_disks, "repair", 4),
    (failing_writes, "study", 12),
    (failing_writes, "train", 12),
    (failing_writes, "variants", 6),
    (failing_writes, "repair", 4),
    (together, "study", 10),
    (together, "train", 10),
    (together, "variants", 6),
    (damages, "argued study", 12),
    (kills, "argued study", 40),
]


def planned(share: float) -> list[Torture]:
    """All that can be done here, at so large a share of its full length."""
    possible = {full_disks: can_mount(), power_cuts: can_record()}
    return [
        (what, name, max(1, round(count / share)) if what is damages else max(2, round(count * share)))
        for what, name, count in FULL
        if possible.get(what, True)
    ]


def done(torture: Torture, seed: int) -> Outcome:
    """One torture, in a folder of its own."""
    what, name, count = torture
    with tempfile.TemporaryDirectory() as folder:
        return what(name, count, Path(folder).resolve(), seed)
