"""`python -m benchmarks.diagnosis --listed`: diagnose the listed cases and judge the verdicts.

It writes tables and docs/results/diagnosis-listed.json. Results are kept in out/diagnosis-benchmark (`kept`).
"""

import argparse
import json
import multiprocessing
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.diagnosis import fashion, kept
from benchmarks.diagnosis.collection import chosen, every_case
from benchmarks.result_file import result_file, with_lines

from shiftassay.files import write_whole


def main(arguments: Sequence[str]) -> None:
    asked = _parser().parse_args(arguments)
    cases = chosen(asked.groups, asked.only, asked.sample, asked.seed)
    if asked.list:
        print("\n".join(case.name for case in cases))
        print(f"{len(cases)} cases")
        return
    from benchmarks.diagnosis.report import report, results

    if not fashion.INSTALLED_HERE:
        print(fashion.MISSING)
    began = perf_counter()
    records = run([case.name for case in cases], asked.images, asked.seed, asked.workers, asked.again, asked.verbose)
    print(report(records, asked.verbose))
    print(f"{len(records)} cases in {perf_counter() - began:.0f} s")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        command = " ".join(["python -m benchmarks.diagnosis --listed", *arguments])
        write_whole(asked.json, with_lines(results(records, command), "cases").encode())


def run(
    names: list[str], images: int, seed: int, workers: int, again: bool = False, verbose: bool = False
) -> list[dict[str, Any]]:
    """The judged diagnoses of the named cases, in their order, from what is kept or made now."""
    kept.FOLDER.mkdir(parents=True, exist_ok=True)
    files = {name: kept.file(name, images, seed) for name in names}
    records = {n: json.loads(file.read_text()) for n, file in files.items() if file.exists() and not again}
    missing = [name for name in names if name not in records]
    if workers <= 1:
        done = ((name, one(name, images, seed)) for name in missing)
        _keep(done, files, records, len(missing), verbose)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, kept.single_threaded) as pool:
            futures = {pool.submit(one, name, images, seed): name for name in missing}
            _keep(((futures[f], f.result()) for f in as_completed(futures)), files, records, len(missing), verbose)
    return [records[name] for name in names]


def one(name: str, images: int, seed: int) -> dict[str, Any]:
    """Make a case, diagnose it, judge the verdict."""
    from benchmarks.diagnosis import diagnosed
    from benchmarks.diagnosis.build import build
    from benchmarks.diagnosis.judge import judge

    case = every_case()[name]
    built = build(case, images, seed)
    began = perf_counter()
    record: dict[str, Any] = {"case": name, "group": case.group, "stratum": case.stratum, "truth": case.family}
    try:
        diagnosis = diagnosed.diagnosed(case, built, seed)
        seconds = perf_counter() - began
        judgement = judge(diagnosis, case, built).to_json()
    except Exception:
        return {**record, "error": traceback.format_exc(), "seconds": perf_counter() - began}
    verdict = diagnosis["verdict"]
    return {
        **record,
        "verdict": verdict["family"],
        "parameters": _shortened(verdict.get("parameters")),
        "pairing": diagnosis["pairing"]["kind"],
        "misfits": [[c["family"], c["misfit"]] for c in diagnosis["candidates"][:3]],
        "judgement": judgement,
        "seconds": seconds,
    }


def _keep(done: Any, files: dict[str, Path], records: dict[str, Any], count: int, verbose: bool) -> None:
    for i, (name, record) in enumerate(done, 1):
        if "error" not in record:  # what failed is tried again
            files[name].write_text(json.dumps(record))
        records[name] = record
        right = "ERROR" if "error" in record else "right" if record["judgement"]["right"] else "wrong"
        if verbose or right != "right":
            reason = record["error"].splitlines()[-1] if "error" in record else "; ".join(record["judgement"]["wrong"])
            print(f"[{i}/{count}] {right} {name} ({record['seconds']:.1f} s): {reason}", flush=True)


def _shortened(value: Any) -> Any:
    """Without lists of hundreds of numbers."""
    if isinstance(value, dict):
        return {k: _shortened(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(v) for v in value] if len(value) <= 30 else f"{len(value)} numbers"
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis --listed", description=__doc__)
    parser.add_argument("--images", type=int, default=2000, help="of each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--groups", nargs="*", default=[], help="intensity noise geometry …; all of them by default")
    parser.add_argument("--only", help="cases whose name holds this, or matches it as a pattern with *")
    parser.add_argument("--sample", type=int, help="so many cases, of every family some")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="even where a result is kept")
    parser.add_argument("--list", action="store_true", help="the names of the cases")
    parser.add_argument("--verbose", action="store_true", help="a line for every case")
    parser.add_argument("--json", type=result_file, help="write the results as data")
    return parser
