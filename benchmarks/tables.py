"""Write README's tables from the data in docs/results: `make tables`. `--check` only says whether they are up to date."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
README = ROOT / "README.md"


def main() -> int:
    text = README.read_text()
    tables = {
        "model": model_table(read("shifted-test-sets")),
        "variants": variants_table(read("shifted-test-sets")),
        "variants-2": variants_table(read("shifted-test-sets-2")),
    }
    written = text
    for name, table in tables.items():
        block = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        written = block.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", written)
    if "--check" in sys.argv:
        return int(written != text)
    README.write_text(written)
    return 0


def read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def model_table(results: dict[str, Any]) -> str:
    validation = [member["validation_accuracy"] for member in results["members"]]
    test = [member["evaluations"][0]["accuracy"]["estimate"] for member in results["members"]]
    seconds = [member["seconds"] for member in results["members"]]
    rows = [
        ("held-out training images", mean_sd(validation), spread(validation)),
        ("test set", mean_sd(test), spread(test)),
    ]
    made = results["environment"]
    said = (
        f"*{len(test)} seeds; {np.median(seconds):.0f} s of training each, {made['threads']} threads, {made['processor']}; "
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


def markdown(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ("---",) * len(columns), *rows])


def percent(share: float) -> str:
    return f"{100 * share:.2f}"


def mean_sd(shares: list[float]) -> str:
    return f"{percent(float(np.mean(shares)))} ± {percent(float(np.std(shares, ddof=1)))}"


def spread(shares: list[float]) -> str:
    return f"{percent(min(shares))} to {percent(max(shares))}"


if __name__ == "__main__":
    sys.exit(main())
