"""`python -m benchmarks.diagnosis`: draw cases from a seed, diagnose them, judge the verdicts.

`make tables` makes docs/diagnosis.md of docs/results/diagnosis-drawn*.json. Seeds below 1000 are for development; a
test seed is used once. `--listed` runs the listed cases of old instead.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from benchmarks.diagnosis import fashion
from benchmarks.diagnosis.drawn import log
from benchmarks.diagnosis.drawn.cases import COUNTS, drawn_cases
from benchmarks.diagnosis.drawn.outcome import Outcome
from benchmarks.diagnosis.drawn.run import run

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.runs.environment import Environment, environment

SCHEMA = "shiftassay.diagnosis-benchmark/2"


def main(arguments: Sequence[str]) -> None:
    asked = _parser().parse_args(arguments)
    counts = {stratum: count for stratum, count in (asked.counts or COUNTS.items()) if count}
    cases = drawn_cases(asked.seed, counts)
    if asked.list:
        print("\n".join(case.name for case in cases))
        print(f"{len(cases)} cases")
        return
    if not fashion.INSTALLED_HERE:
        print(fashion.MISSING)
    command = " ".join(["python -m benchmarks.diagnosis", *arguments])
    made = noted_environment(asked.seed, command)
    began = perf_counter()
    outcomes = run(cases, asked.workers, asked.again, asked.verbose)
    print(f"{len(outcomes)} cases in {perf_counter() - began:.0f} s")
    for stratum in counts:
        of_stratum = [outcome for outcome in outcomes if outcome.stratum == stratum]
        right, seconds = sum(o.right for o in of_stratum), sum(o.seconds for o in of_stratum)
        print(f"{stratum:14}{right:5} of {len(of_stratum):4} right{seconds / len(of_stratum):8.1f} s each")
    if asked.json:
        head = {"schema": SCHEMA, "command": command, "seed": asked.seed, "environment": made.to_json()}
        write(asked.json, head, outcomes)


def noted_environment(seed: int, command: str) -> Environment:
    """The environment of a run; a test seed is noted as used, or ends the program where it may not be."""
    made = environment()
    if seed < log.FIRST_TEST_SEED:
        return made
    try:
        return replace(made, commit=log.used(seed, command).commit)
    except BadInput as problem:
        sys.exit(str(problem))


def write(path: Path, head: dict[str, object], outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes of a run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _text(head, outcomes).encode())


def _text(head: dict[str, object], outcomes: Sequence[Outcome]) -> str:
    """JSON with a line for each outcome, without what is empty."""
    rows = [{k: v for k, v in outcome.to_json().items() if v not in (None, [], {})} for outcome in outcomes]
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    outer = json.dumps({**head, "outcomes": []}, indent=1, ensure_ascii=False)
    return outer.replace('"outcomes": []', f'"outcomes": [\n{lines}\n ]') + "\n"


def _count(text: str) -> tuple[str, int]:
    stratum, _, count = text.partition("=")
    if stratum not in COUNTS or not count.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(COUNTS)}, =, and a number")
    return stratum, int(count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="below 1000 for development; a test seed is used once")
    parser.add_argument("--counts", type=_count, nargs="*", help="cases of some strata: paired=40 null=80 …")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="even where an outcome is kept")
    parser.add_argument("--list", action="store_true", help="the names of the cases")
    parser.add_argument("--verbose", action="store_true", help="a line for every case")
    parser.add_argument("--json", type=Path, help="write the outcomes as data")
    return parser
