"""Torture at full length. `make torture` keeps what comes of it in docs/results/torture.json."""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from time import perf_counter

from benchmarks.result_file import result_file
from benchmarks.torture.disk import can_mount
from benchmarks.torture.outcome import Outcome
from benchmarks.torture.plan import done, planned
from benchmarks.torture.power import can_record
from benchmarks.torture.together import own_namespace

from shiftassay.records import JsonObject
from shiftassay.runs.environment import environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the full length; 0.1 takes some minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="tortures at a time")
    parser.add_argument("--json", type=result_file)
    asked = parser.parse_args()
    tortures, outcomes, here = planned(asked.share), {}, environment().to_json()
    began = perf_counter()
    # Each in a process that starts afresh, since commands are forked from it.
    with ProcessPoolExecutor(asked.workers, get_context("spawn"), max_tasks_per_child=1) as pool:
        pending = {pool.submit(done, torture, asked.seed + i): i for i, torture in enumerate(tortures)}
        for future in as_completed(pending):
            outcomes[pending[future]] = future.result()
            print(future.result(), flush=True)
            if asked.json:
                _keep(asked, outcomes, len(tortures), {**here, "seconds": round(perf_counter() - began)})
    for what in _without():
        print(f"Not to be had here: {what}.")
    faults = sum(outcome.faults for outcome in outcomes.values())
    tried = sum(outcome.tried for outcome in outcomes.values())
    print(f"{tried:,} cases, {faults} faults, {perf_counter() - began:.0f} s.")
    return int(faults > 0)


def _keep(asked: argparse.Namespace, outcomes: dict[int, Outcome], planned: int, here: JsonObject) -> None:
    """What is finished so far, in the order of the plan: a run that is broken off has it all the same."""
    content = {
        "command": f"python -m benchmarks.torture --share {asked.share:g} --seed {asked.seed}",
        "environment": here,
        "without": _without(),
        "planned": planned,
        "outcomes": [outcome.to_json() for _, outcome in sorted(outcomes.items())],
    }
    asked.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _without() -> list[str]:
    """What can't be done here."""
    needed = {
        "file systems of its own (mount)": can_mount(),
        "power cuts (strace)": can_record(),
        "process namespaces (unshare)": bool(own_namespace()),
    }
    return [what for what, there in needed.items() if not there]


if __name__ == "__main__":
    sys.exit(main())
