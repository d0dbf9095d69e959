"""Torture at full length. `make torture` keeps what comes of it in docs/results/torture.json."""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.torture.disk import can_mount
from benchmarks.torture.plan import done, planned
from benchmarks.torture.power import can_record
from benchmarks.torture.together import own_namespace

from shiftassay.runs.environment import environment


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
