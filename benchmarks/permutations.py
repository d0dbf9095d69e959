"""Which places of a shared permutation a diagnosis puts right, and which it says the images do not tell.

`python -m benchmarks.permutations --json docs/results/permutations.json`. Digits and, where they are installed,
pictures of clothes, under fresh permutations of pixels, rows, columns and blocks: with partners in the same order, in
another, or without. Of the places that vary in both sets: how many the images tell (see
`benchmarks.diagnosis.tellable`), how many of these are identified, and how many of the identified are right.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from benchmarks.diagnosis import fashion
from benchmarks.diagnosis.tellable import told_by_pairs, told_by_samples
from benchmarks.result_file import result_file

import shiftassay
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.families.permutation import Permutation

PAIRINGS = ("same_order", "reordered", "unpaired")
SIZES = (200, 500, 1000, 2000, 10_000)
OTHERS = ("row_permutation", "column_permutation", "block_permutation:block=4", "block_permutation:block=7")
OTHERS_SIZE = 2000
FAMILY = "pixel_permutation"


@dataclass(frozen=True)
class Row:
    """One diagnosis, in numbers of places of those that vary in both sets."""

    dataset: str
    family: str
    pairing: str
    images: int
    seed: int
    verdict: str | None
    varying: int
    told: int
    """That the images tell, whoever finds it."""
    identified: int
    right: int
    """Of the identified."""
    told_identified: int
    """Of those that the images tell."""
    right_of_all: int
    """Guesses for what is unidentified among them."""
    seconds: float


def cases(seeds: int) -> Iterator[tuple[str, str, str, int, int]]:
    """Data set, permutation, pairing, images of either set, seed."""
    for dataset in ("mnist", *([fashion.DATASET] if fashion.INSTALLED_HERE else [])):
        for pairing in PAIRINGS:
            for seed in range(seeds):
                yield from ((dataset, FAMILY, pairing, n, seed) for n in SIZES)
                yield from ((dataset, family, pairing, OTHERS_SIZE, seed) for family in OTHERS)


def measured(dataset: str, text: str, pairing: str, n: int, seed: int) -> Row:
    """Make the sets, diagnose them, count."""
    rng = np.random.default_rng(seed_for(seed, "permutations", dataset, text, pairing, n))
    data = load_dataset(dataset)
    images = np.concatenate([data.test.images, data.train.images])
    images = images[rng.permutation(len(images))[: n * (1 + (pairing == "unpaired"))]]
    reference, before = images[:n], images[-n:]
    shift = parse(text).realize(images.shape[1:], rng)
    assert isinstance(shift, Permutation)
    shifted = shift.apply(before, rng)
    order = rng.permutation(n) if pairing == "reordered" else np.arange(n)
    began = perf_counter()
    diagnosis = shiftassay.diagnose(ImageSet(reference), ImageSet(shifted[order]), seed=seed).to_json()
    seconds = perf_counter() - began
    verdict = diagnosis["verdict"]
    ours, theirs = (shift.to_parts(side).swapaxes(0, 1) for side in (reference, before))
    told = told_by_samples(ours, theirs) if pairing == "unpaired" else told_by_pairs(ours, False)
    true = np.asarray(shift.parameters["permutation"])
    varies = np.minimum(*(np.ptp(side, axis=1).max(1) for side in (ours, theirs)))[true] > 0
    told = told[true] & varies
    known, right = np.zeros_like(varies), np.zeros_like(varies)
    if verdict["family"] == shift.family and len(verdict["parameters"]["permutation"]) == len(true):
        right = varies & (np.asarray(verdict["parameters"]["permutation"]) == true)
        known = varies.copy()
        known[verdict["parameters"]["unidentified"]] = False
    counted = (varies, told, known, known & right, known & told, right)
    counts = (int(places.sum()) for places in counted)
    return Row(dataset, shift.family, pairing, n, seed, verdict["family"], *counts, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", default="", help="cases whose words hold this: mnist, unpaired, row_permutation …")
    parser.add_argument("--images", type=int, help="cases of so many images only")
    parser.add_argument("--json", type=result_file)
    chosen = parser.parse_args()
    rows = []
    for case in cases(chosen.seeds):
        if all(word in " ".join(map(str, case)) for word in chosen.only.split()) and chosen.images in (None, case[3]):
            rows.append(measured(*case))
            print(*asdict(rows[-1]).values(), flush=True)
    if chosen.json:
        content = {
            "schema": "shiftassay.permutations/2",
            "command": f"python -m benchmarks.permutations --seeds {chosen.seeds} --json {chosen.json}",
            "environment": environment().to_json(),
            "rows": [asdict(row) for row in rows],
        }
        write_json(Path(chosen.json), content)


if __name__ == "__main__":
    main()
