"""Torture at full length. `make torture` keeps what comes of it in docs/results/torture.json."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.torture.damage import damages
from benchmarks.torture.disk import can_mount, failing_writes, full_disks
from benchmarks.torture.kills import kills
from benchmarks.torture.outcome import Outcome
from benchmarks.torture.power import can_record, power_cuts
from benchmarks.torture.together import own_namespace, together

from shiftassay.runs.environment import environment

Torture = Callable[[Path, int], Outcome]


def tortures(share: float) -> list[Torture]:
    """All of them, at so large a share of their full length."""

    def some(count: int) -> int:
        return max(2, round(share * count))

    every = max(1, round(1 / share))
    planned: list[Torture] = [
        *(
            lambda folder, seed, n=name, c=count: kills(n, some(c), folder, seed)
            for name, count in (("train", 120), ("study", 100), ("argued study", 40), ("variants", 40), ("repair", 24))
        ),
        *(
            lambda folder, seed, n=name, c=count: failing_writes(n, some(c), folder, seed)
            for name, count in (("train", 12), ("study", 12), ("variants", 6), ("repair", 4))
        ),
        *(
            lambda folder, seed, n=name, c=count: together(n, some(c), folder, seed)
            for name, count in (("train", 10), ("study", 10), ("variants", 6))
        ),
        *(
            lambda folder, seed, n=name, e=step: damages(n, folder, seed, every * e)
            for name, step in (("train", 1), ("study", 1), ("argued study", 12), ("variants", 1), ("repair", 2))
        ),
    ]
    if can_mount():
        planned += [
            lambda folder, seed, n=name, c=count: full_disks(n, some(c), folder)
            for name, count in (("train", 16), ("study", 20), ("variants", 8), ("repair", 4))
        ]
    if can_record():
        planned += [
            lambda folder, seed, n=name, c=count: power_cuts(n, some(c), folder, seed)
            for name, count in (("train", 40), ("study", 48), ("variants", 16), ("repair", 8))
        ]
    return planned


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the full length; 0.1 takes some minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    outcomes = []
    began = perf_counter()
    for number, torture in enumerate(tortures(asked.share)):
        with tempfile.TemporaryDirectory() as folder:
            outcomes.append(torture(Path(folder).resolve(), asked.seed + number))
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
