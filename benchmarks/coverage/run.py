"""`python -m benchmarks.coverage`: how often intervals of parameters hold the truth.

Results are kept in out/coverage, by case, seed and the source they depend on: a run that was stopped goes on where it
was. Development uses seeds below 1000; a test seed is used once, and noted in the log of the benchmarks.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import traceback
import warnings
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.coverage.drawn import DRAWS, TWO_PARTS, drawn
from benchmarks.coverage.table import results, table
from benchmarks.diagnosis.drawn import log
from benchmarks.result_file import with_lines

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.runs.environment import environment

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "out" / "coverage"
SOURCES = ("src/shiftassay/diagnosis/paired", "src/shiftassay/shifts", "benchmarks/coverage", "benchmarks/diagnosis")
NOT_SOURCES = ("run.py", "table.py", "__main__.py")
FITS = 200


def main() -> None:
    asked = _arguments()
    families = [family for family in (*DRAWS, *TWO_PARTS) if not asked.only or family in asked.only.split(",")]
    command, commit = " ".join(["python -m benchmarks.coverage", *sys.argv[1:]]), _commit()
    if asked.seed >= log.FIRST_TEST_SEED:
        try:
            commit = log.used(asked.seed, command).commit
        except BadInput as problem:
            sys.exit(str(problem))
    began, records = perf_counter(), {}
    cases = [(family, asked.seed, i) for family in families for i in range(asked.fits)]
    with get_context("spawn").Pool(asked.workers) as pool:  # which reads OMP_NUM_THREADS before NumPy
        made = pool.imap(_record, cases)
        for family in families:
            records[family] = list(islice(made, asked.fits))
            print(table({family: records[family]}, heading=family == families[0]), flush=True)
    print(f"{sum(map(len, records.values()))} fits in {perf_counter() - began:.0f} s")
    if asked.json:
        here = {**environment().to_json(), "commit": commit}
        content = {"command": command, "environment": here, "seed": asked.seed, **results(records)}
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        write_whole(asked.json, with_lines(content, "fits").encode())


def _record(case: tuple[str, int, int]) -> dict[str, Any]:
    """The fit of a family, a seed and a number, from what is kept or made now."""
    from benchmarks.coverage.fit import fit

    family, seed, number = case
    warnings.simplefilter("ignore")
    file = KEPT / _source() / f"{family}-{seed}-{number}.json"
    if file.exists():
        return json.loads(file.read_text())
    try:
        record = fit(drawn(family, seed, number))
    except Exception:
        record = {"failed": traceback.format_exc()}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(record).encode())
    return record


@cache
def _source() -> str:
    """A hash of the source that fits depend on."""
    files = sorted(f for folder in SOURCES for f in (ROOT / folder).rglob("*.py") if f.name not in NOT_SOURCES)
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--only", default="", help="families, with commas between")
    parser.add_argument("--fits", type=int, default=FITS, help=f"of each family ({FITS})")
    parser.add_argument("--seed", type=int, default=1, help="below 1000 for development")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--json", type=Path, help="where the results are written")
    return parser.parse_args()


os.environ.setdefault("OMP_NUM_THREADS", "1")
