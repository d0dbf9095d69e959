"""Recompute every number of README.md and of the pages in docs from docs/results: `python benchmarks/claims.py`.

It says which number differs or has no source, and then ends with exit code 1. It shares no code with what it examines:
nothing of `shiftassay`, nothing of the other benchmarks. Its parts are in `claimed/`: `reading` finds the numbers of a
page, `intervals` has the formulas, and then there is a function for each table (`shifted`, `spatial`, `diagnosis`,
`machine`, `example`), the numbers in prose (`sentences`) and those that nobody measured (`definitions`).

Every number is worked out from the rawest data that docs/results has: counts of images, losses and accuracies by seed
and epoch, seconds of each repetition, each case of a benchmark. What is taken as stored is listed below.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that it runs as a file

from benchmarks.claimed.check import problems  # noqa: E402  # it is found by the line above

TAKEN_AS_STORED = {
    "accuracy on held-out training images": "a run keeps the share that was right, not which",
    "intervals of one model for all sets": "a design keeps its accuracy by seed, not which images each seed got right",
    "accuracy before a repair": "an attempt keeps its share, beside the counts of images gained and lost",
    "accuracy when asked in other batches, and errors on distorted digits": "a section keeps shares by seed",
    "whether a case of the benchmark is right": "its judge wrote so; each case names verdict, truth and what is off",
    "estimated parameters and confidence": "they are a diagnosis' own figures",
    "what seed 003 reports, names of shifts, versions, cores, memory": "they are inputs, not results of arithmetic",
}
"""What is not recomputed, because docs/results has nothing rawer."""


def main(root: Path = ROOT) -> int:
    pages = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths(root)}
    files = sorted((root / "docs" / "results").glob("*.json"))
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
    wrong = list(problems(pages, results))
    print("\n".join(wrong) or f"Every number of {len(pages)} pages is what {len(results)} files of results say.")
    return int(bool(wrong))


def paths(root: Path) -> list[Path]:
    """The pages that are examined: all but the catalogue, which is generated."""
    pages = sorted((root / "docs").rglob("*.md"))
    return [root / "README.md", *(page for page in pages if "catalogue" not in page.parts)]


if __name__ == "__main__":
    sys.exit(main())
