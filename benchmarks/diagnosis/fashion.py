"""The same on other pictures: Fashion-MNIST, from Debian's package, with nothing tuned to it."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.diagnosis.case import Case

from shiftassay.imagesets.dataset import INSTALLED

DATASET = "fashion-mnist"
INSTALLED_HERE = INSTALLED[DATASET].is_dir()
MISSING = f"{DATASET}: its cases are left out. Debian's package dataset-fashion-mnist brings it."
EVERY = {"compose": 4, "unpaired": 3, "reordered": 4, "null": 3, "unknown": 3}
"""Of other groups than single families: one case of so many."""


def cases(on_mnist: list[Case]) -> Iterator[Case]:
    """Every other case of the single families, fewer of the rest; none that needs the attacked model."""
    if not INSTALLED_HERE:
        return
    counts: dict[str, int] = {}
    for case in on_mnist:
        count = counts[case.group] = counts.get(case.group, -1) + 1
        if case.group not in ("attack", "left_out") and count % EVERY.get(case.group, 2) == 0:
            yield replace(case, group=f"fashion-{case.group}", dataset=DATASET)
