"""Write the tables of README and docs from the data in docs/results: `make tables`. `--check` only says if they are up to date."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.spatial_table import COLUMNS, spatial_note, spatial_rows

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
PAGES = (ROOT / "README.md", ROOT / "docs" / "performance.md", ROOT / "docs" / "reliability.md")


def main() -> int:
    tables = {
        "model": model_table(read("shifted-test-sets")),
        "variants": variants_table(read("shifted-test-sets")),
        "answers": answers_table(read("shifted-test-sets")),
        "one-for-all": one_for_all_table(read("shifted-test-sets")),
        "diagnosis": diagnosis_table(read("diagnosis")),
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
    }
    outdated = False
    for page in PAGES:
        text = written = page.read_text()
        for name, table in tables.items():
            block = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            written = block.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", written)
        outdated |= written != text
        if "--check" not in sys.argv:
            page.write_text(written)
    return int("--check" in sys.argv and outdated)


def read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def model_table(results: dict[str, Any]) -> str:
    validation = [member["validation_accuracy"] for member in results["members"]]
    test = [member["evaluations"][0]["accuracy"]["estimate"] for member in results["members"]]
    seconds = [_environment(member)["seconds"] for member in results["members"]]
    rows = [
        ("held-out training images", mean_sd(validation), spread(validation)),
        ("test set", mean_sd(test), spread(test)),
    ]
    made = results["environment"]
    said = (
        f"*{len(test)} seeds; {np.median(seconds):.0f} s of training each, {made['threads']} thread{'s' * (made['threads'] != 1)}, {made['processor']}; "
        f"`{results['command']}`.*"
    )
    return markdown(("accuracy on", "mean ± sd over seeds", "lowest to highest"), rows) + f"\n\n{said}"


def variants_table(results: dict[str, Any]) -> str:
    rows = []
    for place, found in enumerate(results["sets"]):
        of_seeds = [member["evaluations"][place] for member in results["members"]]
        first = of_seeds[0]
        accuracy = first["accuracy"]
        change = first["comparison"]
        rows.append((
            found["name"],
            found["origin"],
            f"{percent(accuracy['estimate'])} [{percent(accuracy['low'])}, {percent(accuracy['high'])}]",
            "" if change is None else f"{100 * change['difference']['estimate']:+.2f}".replace("-", "−"),
            "reference" if change is None else change["verdict"],
            mean_sd([evaluation["accuracy"]["estimate"] for evaluation in of_seeds]),
        ))  # fmt: skip
    return markdown(
        ("set", "what it is", "accuracy, % [95%]", "change, points", "verdict", f"{len(of_seeds)} seeds, mean ± sd"),
        rows,
    )


def answers_table(results: dict[str, Any]) -> str:
    """What happened to each variant, why, and what can be done: of the first seed's model."""
    rows = []
    for row in results["answers"]:
        after = row["after"]
        attacked = ", attacked afresh" if row["after_is_attacked"] else ""
        rows.append((
            row["variant"],
            interval(row["accuracy"]),
            row["verdict"],
            row["why"],
            row["repair"],
            "–" if after is None else interval(after) + attacked,
        ))  # fmt: skip
    images = max(row["judged_on"] for row in results["answers"])
    said = (
        f"*Seed 0. Verdicts and repairs are of {images:,} images, each repair fitted to what one half of them shows and judged on the other; "
        f"`{results['command']}`.*"
    )
    columns = ("variant", "accuracy, % [95%]", "verdict", "why", "repair", "after, % [95%]")
    return markdown(columns, rows) + f"\n\n{said}"


def one_for_all_table(results: dict[str, Any]) -> str:
    """What each design of one model for all variants reaches on each of them, told which it is."""
    found = results["argument"]["one_for_all"]
    columns = list(next(iter(found["designs"].values()))["accuracy"])
    rows = [
        (name, *(percent(design["accuracy"][c]["estimate"]) for c in columns), f"{design['parameters']:,}", f"{design['for_one_more']:,}")
        for name, design in found["designs"].items()
    ]  # fmt: skip
    router = found["router"]["accuracy"]
    said = (
        f"*Accuracy, %, mean over {found['seeds']} seeds of {found['epochs']} epochs each; the plain network has {found['plain_parameters']:,} parameters. "
        f"A router that infers the variant from the image is right on {percent(min(router.values()))} to {percent(max(router.values()))}%, by variant.*"
    )
    return markdown(("design", *columns, "parameters", "for one more variant"), rows) + f"\n\n{said}"


def diagnosis_table(results: dict[str, Any]) -> str:
    """How often diagnoses are right, kind by kind, and how far their confidence can be trusted."""
    rows = [
        (t["what"], f"{t['n']:,}", f"{100 * t['measured']:.1f}%", f"{'at most' if t['at_most'] else 'at least'} {100 * t['target']:.0f}%")
        for t in results["targets"]
        if t["target"]
    ]  # fmt: skip
    trusted = "; ".join(
        f"{b['from']:.2f} to {b['to']:.2f}: {100 * b['right']:.0f}% of {b['n']}"
        for b in results["reliability"]
        if b["n"]
    )
    made = results["environment"]
    said = f"*{results['all']['n']:,} cases, {made['processor']}; `{results['command']}`. Right verdicts by confidence: {trusted}.*"
    return markdown(("what", "cases", "measured", "to reach"), rows) + f"\n\n{said}"


def spatial_table(results: dict[str, Any]) -> str:
    """What seed 003 claims, what came out here, and what that says."""
    return markdown(COLUMNS, spatial_rows(results["sections"])) + f"\n\n{spatial_note(results)}"


def speed_table(results: dict[str, Any]) -> str:
    contenders = list(next(iter(results["networks"].values()))["seconds"])
    ours = contenders[-1]
    rows = []
    for name, found in results["networks"].items():
        seconds = {contender: np.array(values) for contender, values in found["seconds"].items()}
        rate = found["gflop_per_epoch"] / np.median(seconds[ours]) / results["sgemm_gflops"]["2"]
        ratios = [ratio(seconds[other] / seconds[ours]) for other in ("tutorial loop", "eager, 2 threads")]
        rows.append((name, *(f"{np.median(values):.2f}" for values in seconds.values()), *ratios, f"{100 * rate:.0f}%"))
    columns = ("seconds an epoch", *contenders, "tutorial / ours", "eager / ours, 2 threads", "of sgemm")
    made = results["environment"]
    said = (
        f"*Medians; ratios are medians over rounds [lowest, highest]. {results['protocol']}. {made['processor']}, "
        f"{made['cores']} cores, PyTorch {made['packages']['torch']}; PyTorch's own sgemm {results['sgemm_gflops']['2']:.0f} GFLOP/s on two; "
        f"`{results['command']}`.*"
    )
    return markdown(columns, rows) + f"\n\n{said}"


def members_table(results: dict[str, Any]) -> str:
    labels = list(next(iter(results["members"].values()))["images_per_second"])
    rows = []
    for name, found in results["members"].items():
        rates = {label: np.array(values) for label, values in found["images_per_second"].items()}
        gain = ratio(rates["10 on two cores"] / rates["1 on one core"], 2)
        rows.append((name, *(f"{np.median(values):,.0f}" for values in rates.values()), gain))
    return markdown(("images a second", *labels, "ten on two cores / one on one"), rows)


def paths_table(results: dict[str, Any]) -> str:
    rows = [
        (
            name,
            mean_sd(found["native"]),
            mean_sd(found["plain"]),
            f"{100 * found['difference']['estimate']:+.2f} [{100 * found['difference']['low']:+.2f}, "
            f"{100 * found['difference']['high']:+.2f}]".replace("-", "−"),
            f"{found['p_value']:.2f}",
        )
        for name, found in results["networks"].items()
    ]
    seeds = len(next(iter(results["networks"].values()))["native"])
    columns = ("network", "native, %", "plain, %", "difference, points [95%]", "p")
    said = f"*Test accuracy after {results['epochs']} epochs, mean ± sd over {seeds} seeds; `{results['command']}`.*"
    return markdown(columns, rows) + f"\n\n{said}"


def startup_table(results: dict[str, Any]) -> str:
    rows = [
        (f"`shiftassay {command}`", f"{np.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}")
        for command, values in results["seconds"].items()
    ]
    return markdown(("command, from start to end", "seconds, median", "lowest to highest"), rows)


def diagnosis_speed_table(results: dict[str, Any]) -> str:
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
    made = results["environment"]
    said = f"*The whole command, with a model; {made['processor']}, {made['cores']} cores; `{results['command']}`.*"
    return markdown(("shift", "images", "seconds, median", "lowest to highest", "memory"), rows) + f"\n\n{said}"


def torture_table(results: dict[str, Any]) -> str:
    rows = [
        (
            found["what"],
            f"{found['tried']:,}",
            *(str(found[kind]) for kind in ("lost", "wrong", "wedged", "silent")),
            ", ".join(f"{count:,} {name}" for name, count in sorted(found["more"].items()) if count),
        )
        for found in results["outcomes"]
    ]
    made, total = results["environment"], sum(found["tried"] for found in results["outcomes"])
    parts = (
        f"{len(results['outcomes'])} of {results['planned']} parts, "
        if len(results["outcomes"]) < results["planned"]
        else ""
    )
    said = (
        f"*{parts}{total:,} cases in {made['seconds'] / 60:.0f} minutes; {made['processor']}, {made['cores']} cores, commit {made['commit']}; "
        f"`{results['command']}`.*"
    )
    return markdown(("what", "cases", "lost", "wrong", "wedged", "silent", "beside that"), rows) + f"\n\n{said}"


def pairing_table(results: dict[str, Any]) -> str:
    rows = [
        (
            kind,
            f"{found['all']['n']:,}",
            f"{found['all']['paired']:,}",
            f"{found['all']['right']:,}",
            "" if (most := found["all"].get("false_rate_at_most")) is None else f"at most {100 * most:.2f}%",
        )
        for kind, found in results["results"].items()
    ]
    columns = ("pairs of sets", "tried", "called paired", "right", "rate of false pairings, 95%")
    said = f"*Seed {results['seed']}, used once; developed on seeds {results['development_seeds']}; `{results['command']}`.*"
    return markdown(columns, rows) + f"\n\n{said}"


def interrupts_table(results: dict[str, Any]) -> str:
    rows = [
        (
            found["what"],
            f"{found['tried']:,}",
            f"{found['more'].get('too late', 0)}",
            f"{np.median(found['seconds']):.2f}",
            f"{max(found['seconds']):.2f}",
            *(str(found[kind]) for kind in ("lost", "wrong", "wedged")),
        )
        for found in results["outcomes"]
    ]
    columns = ("what", "signals", "too late", "seconds to the end, median", "slowest", "lost", "wrong", "wedged")
    made = results["environment"]
    said = f"*{made['processor']}, {made['cores']} cores, commit {made['commit']}; `{results['command']}`.*"
    return markdown(columns, rows) + f"\n\n{said}"


def ratio(values: np.ndarray, digits: int = 1) -> str:
    return f"{np.median(values):.{digits}f} [{values.min():.{digits}f}, {values.max():.{digits}f}]"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ["---"] * len(columns), *rows])


def interval(ends: dict[str, float]) -> str:
    return f"{percent(ends['estimate'])} [{percent(ends['low'])}, {percent(ends['high'])}]"


def percent(share: float) -> str:
    return f"{100 * share:.2f}"


def mean_sd(shares: list[float]) -> str:
    return f"{percent(float(np.mean(shares)))} ± {percent(float(np.std(shares, ddof=1)))}"


def spread(shares: list[float]) -> str:
    return f"{percent(min(shares))} to {percent(max(shares))}"


def _environment(row: dict) -> dict:
    """Where times stand in results: apart from what two equal runs have in common; older files have them beside it."""
    return row.get("environment", row)


if __name__ == "__main__":
    sys.exit(main())
