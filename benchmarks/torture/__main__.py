"""Torture at full length. `make torture` keeps what comes of it in docs/results/torture.json."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.torture.damage import damages
from benchmarks.torture.disk import can_mount, failing_writes, full_disks
from benchmarks.torture.kills import kills
from benchmarks.torture.outcome import Outcome
from benchmarks.torture.power import can_record, power_cuts
from benchmarks.torture.together import own_namespace, together

from shiftassay.runs.environment import environment

Torture = tuple[Callable[..., Outcome], str, int]
"""What is done, to which workload, and how often (of damage: to every so-manieth case)."""

FULL: list[Torture] = [
    (kills, "argued study", 40),
    (kills, "study", 100),
    (kills, "train", 120),
    (damages, "argued study", 12),
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the full length; 0.1 takes some minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="tortures at a time")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    outcomes = []
    began = perf_counter()
    # Each in a process that starts afresh, since commands are forked from it.
    with ProcessPoolExecutor(asked.workers, get_context("spawn"), max_tasks_per_child=1) as pool:
        pending = [pool.submit(done, torture, asked.seed + i) for i, torture in enumerate(planned(asked.share))]
        for future in pending:
            outcomes.append(future.result())
            print(outcomes[-1], flush=True)
    without = [
        what
        for what, there in (
            ("file systems of its own (mount)", can_mount()),
            ("power cuts (strace)", can_record()),
            ("process namespaces (unshare)", bool(own_namespace())),
        )
        if not there
    ]
    for what in without:
        print(f"Not to be had here: {what}.")
    faults = sum(outcome.faults for outcome in outcomes)
    print(f"{sum(outcome.tried for outcome in outcomes):,} cases, {faults} faults, {perf_counter() - began:.0f} s.")
    if asked.json:
        content = {
            "command": f"python -m benchmarks.torture --share {asked.share:g} --seed {asked.seed}",
            "environment": {**environment(), "seconds": round(perf_counter() - began)},
            "without": without,
            "outcomes": [outcome.to_json() for outcome in outcomes],
        }
        asked.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
