"""SIGINT and SIGTERM at random moments: `python -m benchmarks.torture.signals`.

How soon each verb ends, and whether the same command goes on to the right results. `--json
docs/results/interrupts.json` keeps the outcomes.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.result_file import result_file
from benchmarks.torture.commands import WORKLOADS, Workload, fingerprint, finished, ready, run, started
from benchmarks.torture.outcome import Outcome

from shiftassay import interrupts
from shiftassay.runs.environment import environment

ALLOWED = 2.0  # seconds
READING = {
    "diagnose": ["diagnose", "data/clean.npy", "data/dark.npy", "--labels", "data/labels.npy", "--model", "MODEL"],
    "evaluate": ["evaluate", "MODEL", "data/clean.npy", "data/dark.npy", "--labels", "data/labels.npy"],
    "audit": ["audit", "MODEL", "mnist:test", "--largest-batch", "10000"],
}
VERBS = {
    **{name: work for name, work in WORKLOADS.items() if name != "argued study"},
    **{name: Workload(name, words, before=WORKLOADS["variants"].before) for name, words in READING.items()},
}


def signals(name: str, count: int, folder: Path, seed: int) -> tuple[Outcome, list[float]]:
    """So many signals to a verb, and the seconds from each to the end of the process."""
    work, rng, outcome, seconds = VERBS[name], np.random.default_rng(seed), Outcome(f"signals to {name}"), []
    place = ready(work, folder / "undisturbed")
    whole = run(work.arguments, place)
    expected = fingerprint(place / work.results)
    for turn in range(count):
        place = ready(work, folder / f"turn{turn}")
        number = signal.SIGINT if turn % 2 else signal.SIGTERM
        pid = started(work.arguments, place)
        time.sleep(float(rng.uniform(0.02, whole.seconds)))
        began = time.monotonic()
        os.kill(pid, number)
        ended = finished(pid, place)
        outcome.tried += 1
        if ended.code == 0:
            outcome.more["too late"] += 1
        else:
            seconds.append(time.monotonic() - began)
            if seconds[-1] > ALLOWED:
                outcome.fault("wedged", f"turn {turn}: {seconds[-1]:.2f} s after {number.name}")
            if ended.code != interrupts.EXIT_CODE or interrupts.LAST_WORDS not in ended.err:
                outcome.fault("lost", f"turn {turn}: exit {ended.code} after {number.name}: {ended.err[-300:]}")
        again = run(work.arguments, place)
        if again.code:
            outcome.fault("lost", f"turn {turn}, again: exit {again.code}: {again.err[-300:]}")
        elif fingerprint(place / work.results) != expected:
            outcome.fault("wrong", f"turn {turn}")
        shutil.rmtree(place)
    return outcome, seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture.signals", description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="signals to each verb")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=result_file)
    asked = parser.parse_args()
    rows, faults = [], 0
    for number, name in enumerate(VERBS):
        with tempfile.TemporaryDirectory() as folder:
            outcome, seconds = signals(name, asked.count, Path(folder).resolve(), asked.seed + number)
        faults += outcome.faults
        rows.append({**outcome.to_json(), "seconds": [round(taken, 3) for taken in seconds]})
        print(f"{outcome}; slowest exit {max(seconds, default=0):.2f} s", flush=True)
    if asked.json:
        command = f"python -m benchmarks.torture.signals --count {asked.count} --seed {asked.seed}"
        content = {"command": command, "environment": environment().to_json(), "allowed": ALLOWED, "outcomes": rows}
        asked.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
