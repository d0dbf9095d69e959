"""`python -m benchmarks.photographs`: draw shifts of photographs from a seed, diagnose them, judge the verdicts.

Seeds below 1000 are for development and use the photographs for development. A larger one is a test, which is used
once, on the other photographs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.diagnosis.drawn.command import noted_environment, write
from benchmarks.diagnosis.drawn.outcome import Outcome
from benchmarks.photographs.cases import COUNTS, IMAGES, drawn_cases, split_of
from benchmarks.photographs.run import Asked, run
from benchmarks.photographs.source import SIZE, how_to_install, installed, listed, missing

SCHEMA = "shiftassay.photographs-benchmark/1"
SIZES = (32, 256)  # pixels: fog's clouds are 256 wide


def main(arguments: Sequence[str]) -> None:
    asked = _parser().parse_args(arguments)
    counts = {stratum: count for stratum, count in (asked.counts or COUNTS.items()) if count}
    if not any(one.split == split_of(asked.seed) for one in installed()):
        sys.exit(f"There is no photograph for {split_of(asked.seed)}. {how_to_install(listed())}")
    print(missing() or f"All {len(listed())} photographs are here.")
    if asked.list:
        print("\n".join(case.name for case in drawn_cases(asked.seed, counts, asked.n, asked.size)))
        return
    command = " ".join(["python -m benchmarks.photographs", *arguments])
    made = noted_environment(asked.seed, command)
    cases = [
        Asked(asked.seed, stratum, index, asked.n, asked.size)
        for stratum, count in counts.items()
        for index in range(count)
    ]
    began = perf_counter()
    outcomes = run(cases, asked.workers, asked.again)
    print(f"{len(outcomes)} cases in {perf_counter() - began:.0f} s")
    for stratum in counts:
        print(_summary(stratum, [outcome for outcome in outcomes if outcome.stratum == stratum]))
    if asked.json:
        here = {"photographs": sum(one.split == split_of(asked.seed) for one in installed()), "size": asked.size}
        head = {"schema": SCHEMA, "command": command, "seed": asked.seed, **here, "environment": made.to_json()}
        write(asked.json, head, outcomes)


def _summary(stratum: str, outcomes: Sequence[Outcome]) -> str:
    """Shares that are right, the median and the largest time, the largest memory."""
    judged = {
        "right": [outcome.right for outcome in outcomes],
        "family": [outcome.family for outcome in outcomes],
        "scope": [outcome.scope_right for outcome in outcomes],
        "parameters": [outcome.parameters_right for outcome in outcomes],
    }
    shares = []
    for name, marks in judged.items():
        known = [mark for mark in marks if mark is not None]
        if known:
            shares.append(f"{name} {sum(known)} of {len(known)}")
    seconds = [outcome.seconds for outcome in outcomes]
    peak = max(outcome.peak_mib or 0 for outcome in outcomes)
    return f"{stratum:14}{', '.join(shares)}; {median(seconds):.1f} s, at most {max(seconds):.1f} s, {peak:.0f} MiB"


def _count(text: str) -> tuple[str, int]:
    stratum, _, count = text.partition("=")
    if stratum not in COUNTS or not count.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(COUNTS)}, =, and a number")
    return stratum, int(count)


def _size(text: str) -> int:
    if not text.isdigit() or not SIZES[0] <= int(text) <= SIZES[1] or int(text) % 4:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a multiple of 4 from {SIZES[0]} to {SIZES[1]}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photographs", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="below 1000 for development; a test seed is used once")
    parser.add_argument("--counts", type=_count, nargs="*", help="cases of some strata: paired=40 null=10 …")
    parser.add_argument("--n", type=int, default=IMAGES, help="pictures in each set")
    parser.add_argument("--size", type=_size, default=SIZE, help="pixels of a picture's side")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="even where an outcome is kept")
    parser.add_argument("--list", action="store_true", help="the names of the cases")
    parser.add_argument("--json", type=Path, help="write the outcomes as data")
    return parser
