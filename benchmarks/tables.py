"""Write the tables of README and docs from the data in docs/results: `make tables`.

`--check` only says whether they are up to date.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.diagnosis.changes import BEFORE, changes_table
from benchmarks.diagnosis.tables import tables as diagnosis_tables
from benchmarks.markdown import markdown
from benchmarks.permutations_table import permutations_table
from benchmarks.shifted_tables import answers_table, model_table, one_for_all_table, variants_table
from benchmarks.spatial_table import COLUMNS, spatial_note, spatial_rows

from shiftassay.runs.environment import Environment
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.words.numbers import mean_sd, number, percent, percent_with_interval, points

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
DRAWN = "diagnosis-drawn*.json"  # runs of the benchmark of diagnosis, each with a seed of its own
Results = dict[str, Any]
"""A file of docs/results: each has keys of its own."""

PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{page}.md"
        for page in ("confidence", "diagnosis", "performance", "reliability", "statistics", "studies")
    ),
)


def main() -> int:
    tables = {
        "example": example_block(read("example")),
        "model": model_table(read("shifted-test-sets")),
        "variants": variants_table(read("shifted-test-sets")),
        "answers": answers_table(read("shifted-test-sets")),
        "one-for-all": one_for_all_table(read("shifted-test-sets")),
        **diagnosis_tables([read(name) for name in sorted(path.stem for path in RESULTS.glob(DRAWN))]),
        "diagnosis-listed": listed_diagnosis_table(read("diagnosis-listed")),
        "diagnosis-changes": changes_table(read(BEFORE), read("diagnosis-listed")),
        "diagnosis-speed": diagnosis_speed_table(read("diagnosis-speed")),
        "variants-2": variants_table(read("shifted-test-sets-2")),
        "spatial": spatial_table(read("spatial-attention")),
        "speed": speed_table(read("speed-cpu")),
        "members": members_table(read("speed-cpu")),
        "paths": paths_table(read("paths")),
        "startup": startup_table(read("startup")),
        "torture": torture_table(read("torture")),
        "interrupts": interrupts_table(read("interrupts")),
        "pairing": pairing_table(read("pairing")),
        "coverage": coverage_table(read("coverage")),
        "permutations": permutations_table(read("permutations")),
        "type-one-errors": type_one_errors_table(read("type-one-errors")),
    }
    outdated = False
    for page in PAGES:
        text = written = page.read_text()
        for name, table in tables.items():
            block = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            written = block.sub(lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}", written)
        outdated |= written != text
        if "--check" not in sys.argv:
            page.write_text(written)
    return int("--check" in sys.argv and outdated)


def read(name: str) -> Results:
    return json.loads((RESULTS / f"{name}.json").read_text())


def example_block(results: Results) -> str:
    """What a diagnosis prints, up to the reasons."""
    return f"```text\n{results['printed'].split(chr(10) + 'Why')[0]}\n```"


def listed_diagnosis_table(results: Results) -> str:
    """How often diagnoses of the listed cases are right, kind by kind."""
    rows = []
    for target in results["targets"]:
        count = round(target["measured"] * target["n"])
        rows.append((target["what"], percent_with_interval(wilson(count, target["n"]), 1), f"{target['n']:,}"))
    made = Environment.from_json(results["environment"])
    note = f"*{results['all']['n']:,} cases, commit {made.commit}, {made.processor}; `{results['command']}`.*"
    return markdown(("what", "measured [95%]", "cases"), rows) + f"\n\n{note}"


def spatial_table(results: Results) -> str:
    """What seed 003 claims, what came out here, and what that says."""
    return markdown(COLUMNS, spatial_rows(results["sections"])) + f"\n\n{spatial_note(results)}"


def speed_table(results: Results) -> str:
    contenders = list(next(iter(results["networks"].values()))["seconds"])
    ours = contenders[-1]
    rows = []
    for name, measured in results["networks"].items():
        seconds = {contender: np.array(values) for contender, values in measured["seconds"].items()}
        rate = measured["gflop_per_epoch"] / np.median(seconds[ours]) / results["sgemm_gflops"]["2"]
        ratios = [ratio(seconds[other] / seconds[ours]) for other in ("tutorial loop", "eager, 2 threads")]
        rows.append((name, *(f"{np.median(values):.2f}" for values in seconds.values()), *ratios, percent(rate, 0)))
    columns = ("seconds an epoch", *contenders, "tutorial / ours", "eager / ours, 2 threads", "of sgemm")
    made = Environment.from_json(results["environment"])
    note = (
        f"*Medians; ratios are medians over rounds [lowest, highest]. {results['protocol']}. {made.processor}, "
        f"{made.cores} cores, PyTorch {made.packages['torch']}; PyTorch's own sgemm "
        f"{number(results['sgemm_gflops']['2'], 0)} GFLOP/s on two; `{results['command']}`.*"
    )
    return markdown(columns, rows) + f"\n\n{note}"


def members_table(results: Results) -> str:
    labels = list(next(iter(results["members"].values()))["images_per_second"])
    rows = []
    for name, measured in results["members"].items():
        rates = {label: np.array(values) for label, values in measured["images_per_second"].items()}
        gain = ratio(rates["10 on two cores"] / rates["1 on one core"], 2)
        rows.append((name, *(f"{np.median(values):,.0f}" for values in rates.values()), gain))
    return markdown(("images a second", *labels, "ten on two cores / one on one"), rows)


def paths_table(results: Results) -> str:
    rows = []
    for name, accuracies in results["networks"].items():
        change = Interval.from_json(accuracies["difference"])
        estimate, low, high = (points(end, sign=True) for end in (change.estimate, change.low, change.high))
        paths = [mean_sd(accuracies[path], 100) for path in ("native", "plain")]
        rows.append((name, *paths, f"{estimate} [{low}, {high}]", number(accuracies["p_value"], 2)))
    seeds = len(next(iter(results["networks"].values()))["native"])
    columns = ("network", "native, %", "plain, %", "difference, points [95%]", "p")
    note = f"*Test accuracy after {results['epochs']} epochs, mean ± sd over {seeds} seeds; `{results['command']}`.*"
    return markdown(columns, rows) + f"\n\n{note}"


def startup_table(results: Results) -> str:
    rows = [
        (f"`shiftassay {command}`", f"{np.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}")
        for command, values in results["seconds"].items()
    ]
    return markdown(("command, from start to end", "seconds, median", "lowest to highest"), rows)


def diagnosis_speed_table(results: Results) -> str:
    rows = [
        (
            d["shift"],
            f"{d['images']:,}",
            f"{np.median(d['seconds']):.1f}",
            f"{min(d['seconds']):.1f} to {max(d['seconds']):.1f}",
            f"{d['memory_gb']:.1f} GB",
        )
        for d in results["diagnoses"]
    ]
    made = Environment.from_json(results["environment"])
    note = f"*The whole command, with a model; {made.processor}, {made.cores} cores; `{results['command']}`.*"
    return markdown(("shift", "images", "seconds, median", "lowest to highest", "memory"), rows) + f"\n\n{note}"


def torture_table(results: Results) -> str:
    rows = [
        (
            outcome["what"],
            f"{outcome['tried']:,}",
            *(str(outcome[kind]) for kind in ("lost", "wrong", "wedged", "silent")),
            ", ".join(f"{count:,} {name}" for name, count in sorted(outcome["more"].items()) if count),
        )
        for outcome in results["outcomes"]
    ]
    total, minutes = (
        sum(outcome["tried"] for outcome in results["outcomes"]),
        results["environment"].pop("seconds") / 60,
    )
    made = Environment.from_json(results["environment"])
    parts = (
        f"{len(results['outcomes'])} of {results['planned']} parts, "
        if len(results["outcomes"]) < results["planned"]
        else ""
    )
    note = (
        f"*{parts}{total:,} cases in {number(minutes, 0)} minutes; {made.processor}, {made.cores} cores, "
        f"commit {made.commit}; `{results['command']}`.*"
    )
    return markdown(("what", "cases", "lost", "wrong", "wedged", "silent", "beside that"), rows) + f"\n\n{note}"


def pairing_table(results: Results) -> str:
    rows = [
        (
            kind,
            f"{counts['all']['n']:,}",
            f"{counts['all']['paired']:,}",
            f"{counts['all']['right']:,}",
            "" if (most := counts["all"].get("false_rate_at_most")) is None else f"at most {percent(most, 2)}",
        )
        for kind, counts in results["results"].items()
    ]
    columns = ("pairs of sets", "tried", "called paired", "right", "rate of false pairings, 95%")
    note = (
        f"*Seed {results['seed']}, used once; developed on seeds {results['development_seeds']}; "
        f"`{results['command']}`.*"
    )
    return markdown(columns, rows) + f"\n\n{note}"


STATUS = {"used": "", "beyond its limits": ", where its assumptions fail", "replaced": ", no longer used"}


def type_one_errors_table(results: Results) -> str:
    """How often each test errs where there is nothing to find, and each interval misses what it should cover."""
    of_tests: dict[tuple[str, str], list[Results]] = {}
    for row in sorted(results["rows"], key=lambda row: list(STATUS).index(row["status"])):
        of_tests.setdefault((row["status"], row["test"]), []).append(row)
    rows = []
    for (status, test), cases in of_tests.items():
        rates = [case["errors"] / case["repeats"] for case in cases]
        spread = percent(rates[0], 1) if len(rates) == 1 else f"{points(min(rates), 1)} to {percent(max(rates), 1)}"
        repeats = f"{sum(case['repeats'] for case in cases):,}"
        rows.append((f"{test}{STATUS[status]}", str(len(cases)), repeats, spread))
    columns = ("test, or interval", "situations", "simulations", "errs, lowest to highest")
    note = (
        f"*At a level of {percent(results['level'], 0)}. Commit {results['environment']['commit']}; "
        f"`{results['command']}`.*"
    )
    return markdown(columns, rows) + f"\n\n{note}"


def coverage_table(results: Results) -> str:
    """How often intervals of parameters hold the truth: of each family, its least good parameter.

    Of those that most of its fits have: which noise comes beside another shift is drawn, too.
    """
    rows = []
    for family, fits in results["fits"].items():
        usual = (row for row in results["families"] if row["family"] == family and row["n"] > len(fits) / 2)
        worst = min(usual, key=lambda row: row["coverage"])
        rows.append((f"{family}, {worst['parameter']}", f"{worst['n']:,}", *_coverage(worst)))
    pooled = results["pooled"]
    rows.append(("all parameters of all", f"{pooled['n']:,}", *_coverage(pooled)))
    columns = ("family, parameter", "intervals", "hold the truth, % [95%]", "width beside the errors'")
    note = (
        f"*Of each family the parameter whose intervals hold the truth least often. Seed {results['seed']}, used once; "
        f"commit {results['environment']['commit']}; `{results['command']}`.*"
    )
    return markdown(columns, rows) + f"\n\n{note}"


def _coverage(row: Results) -> tuple[str, str]:
    low, high = row["coverage_interval"]
    within = f"{points(row['coverage'], 1)} [{points(low, 1)}, {points(high, 1)}]"
    return within, number(row["width_by_range"], 2)


def interrupts_table(results: Results) -> str:
    rows = [
        (
            outcome["what"],
            f"{outcome['tried']:,}",
            f"{outcome['more'].get('too late', 0)}",
            f"{np.median(outcome['seconds']):.2f}",
            f"{max(outcome['seconds']):.2f}",
            *(str(outcome[kind]) for kind in ("lost", "wrong", "wedged")),
        )
        for outcome in results["outcomes"]
    ]
    columns = ("what", "signals", "too late", "seconds to the end, median", "slowest", "lost", "wrong", "wedged")
    made = Environment.from_json(results["environment"])
    note = f"*{made.processor}, {made.cores} cores, commit {made.commit}; `{results['command']}`.*"
    return markdown(columns, rows) + f"\n\n{note}"


def ratio(values: np.ndarray, digits: int = 1) -> str:
    return f"{np.median(values):.{digits}f} [{values.min():.{digits}f}, {values.max():.{digits}f}]"


if __name__ == "__main__":
    sys.exit(main())
