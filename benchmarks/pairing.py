"""How often pairs of image sets are rightly and wrongly called paired.

`python -m benchmarks.pairing`. Foreign sets share no image, or a few; related sets are the same images, shifted, in the
same order, in another, or some of them. Thresholds were set on development seeds (0 to 99, and 1301, which showed one
false pairing); docs/results/pairing.json was made once, with the test seed that it names.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from benchmarks.result_file import result_file
from scipy.stats import binomtest

from benchmarks import pairing_material as material
from shiftassay.diagnosis.pairing.pair import Pairing, pair
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json
from shiftassay.shifts.catalog import shift

TEST_SEED = 1302
SIZES = (50, 60, 100, 200, 500, 1000, 2000)
LARGE = 400_000  # comparisons: larger pairs of sets are made one time in five, of whole digits never
SHIFTS = (
    *("identity", "invert", "rotate:angle=15", "rotate:angle=45", "rotate:angle=90"),
    *("rotate:angle=-180..180,scope=per_image", "translate:dx=3,dy=2", "gaussian_noise:sd=0.3"),
    *("gaussian_noise:sd=0.5", "gaussian_blur:sd=1.5", "gaussian_blur:sd=4", "pixel_permutation"),
    *("pixel_permutation:scope=per_image", "jpeg:quality=10", "gain:factor=0.4"),
    *("occlusion:top=4,left=4,height=6,width=6", "elastic:amplitude=2.5", "phase_scramble"),
    *("fog:amount=0.7", "canny_edges", "impulse_noise:fraction=0.3", "pixel_dropout:fraction=0.5"),
)
RELATED = (
    material.digits,
    material.whole_digits,
    material.one_class,
    material.classes_in_turn,
    material.textures,
    material.patches,
    material.shapes,
    material.near_duplicates,
)


@dataclass(frozen=True)
class Case:
    """Two sets, what is known of them, and for related ones the true order."""

    kind: str
    material: str
    sizes: tuple[int, int]
    shift: str
    reference: ImageSet
    shifted: ImageSet
    order: np.ndarray | None = None


def foreign(seed: int, i: int) -> Case:
    """Sets without a common image: sorted or not, with labels or without, the second clean (two in five) or shifted."""
    rng = np.random.default_rng(seed_for(seed, "pairing", "foreign", str(i)))
    make = material.MATERIALS[i % len(material.MATERIALS)]
    n, m = _sizes(rng, make is material.whole_digits)
    one, other = make(n, m, rng)
    if rng.random() < 0.25 and make not in (material.classes_in_turn, material.same_classes, material.drifting):
        one, other = material.by_class(one), material.by_class(other)
    if rng.random() < 0.5 and make is not material.same_classes:
        one, other = replace(one, labels=None), replace(other, labels=None)
    shift_name = "identity" if rng.random() < 0.4 else str(rng.choice(SHIFTS))
    return Case("foreign", make.__name__, (n, m), shift_name, one, shift(other, shift_name, seed=i))


def partly_shared(seed: int, i: int) -> Case:
    """Sets that share 2 to 20% of their images, at the same places or others.

    In every other case the second is shifted as a whole.
    """
    rng = np.random.default_rng(seed_for(seed, "pairing", "partly shared", str(i)))
    make = (material.digits, material.textures, material.patches, material.shapes)[i % 4]
    n = int(rng.choice(SIZES[2:6]))
    one, other = make(n, n, rng)
    theirs = rng.permutation(n)[: int(n * rng.uniform(0.02, 0.2))]
    ours = theirs if rng.random() < 0.5 else rng.permutation(n)[: len(theirs)]
    images = other.images.copy()
    images[theirs] = one.images[ours]
    shift_name = "identity" if i % 8 < 4 else str(rng.choice(["invert", "rotate:angle=15", "gaussian_noise:sd=0.3"]))
    order = np.full(n, -1)
    order[theirs] = ours
    other = shift(ImageSet(images, None, "shifted"), shift_name, seed=i)
    return Case("partly shared", make.__name__, (n, n), shift_name, replace(one, labels=None), other, order)


def related(seed: int, i: int) -> Case:
    """The same images under every shift in turn.

    In the same order, in another, a subset in another, or with a share of 5 to 50% touched.
    """
    rng = np.random.default_rng(seed_for(seed, "pairing", "related", str(i)))
    kind = ("same order", "another order", "subset", "mixture")[i // len(SHIFTS) % 4]
    make = RELATED[int(rng.choice(len(RELATED)))]
    n = int(rng.choice((200, 500, 1000) if kind == "subset" else SIZES[:5]))
    one, _ = make(n, 4, rng)
    if rng.random() < 0.2 and kind != "another order" and make is not material.classes_in_turn:
        one = material.by_class(one)
    if rng.random() < 0.5:
        one = replace(one, labels=None)
    order = np.arange(n)
    if kind in ("another order", "subset"):
        order = rng.permutation(n)[: int(rng.choice((50, 100, n // 2))) if kind == "subset" else n]
    shift_name = SHIFTS[i % len(SHIFTS)]
    changed = shift(one, shift_name, seed=i)
    images = changed.images
    if kind == "mixture":
        touched = rng.random(n) < rng.uniform(0.05, 0.5)
        images = np.where(touched[:, None, None, None], images, one.images)
    labels = None if changed.labels is None else changed.labels[order]
    return Case(
        kind, make.__name__, (n, len(order)), shift_name, one, ImageSet(images[order], labels, "shifted"), order
    )


def right(case: Case, pairing: Pairing) -> bool:
    """Whether a pairing is right.

    Of foreign sets: none, and shared images counted. Of related sets: nine in ten partners are the true ones.
    """
    if case.kind == "foreign":
        return pairing.kind == "unpaired"
    assert case.order is not None
    if case.kind == "partly shared":
        # Only the places in the shifted set: the reference may hold an image twice.
        exact = case.shift != "identity" or [i for _, i in pairing.shared] == np.flatnonzero(case.order >= 0).tolist()
        return pairing.kind == "unpaired" and exact
    same = bool(np.array_equal(case.order, np.arange(len(case.reference))))
    kind = "same_order" if same else "reordered"
    return pairing.order is not None and pairing.kind == kind and bool(np.mean(pairing.order == case.order) > 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--foreign", type=int, default=300)
    parser.add_argument("--partly", type=int, default=80)
    parser.add_argument("--related", type=int, default=352)
    parser.add_argument("--json", type=result_file)
    chosen = parser.parse_args()
    began, seconds = perf_counter(), 0.0
    counts: dict[str, Counter[tuple[str, ...]]] = {}
    for case in _cases(chosen.seed, chosen.foreign, chosen.partly, chosen.related):
        start = perf_counter()
        pairing = pair(case.reference, case.shifted)
        seconds += perf_counter() - start
        good = right(case, pairing)
        tally = counts.setdefault(case.kind, Counter())
        for key in (("all",), ("material", case.material), ("shift", case.shift), ("size", _size_of(case))):
            tally[(*key, "n")] += 1
            tally[(*key, "paired")] += pairing.kind != "unpaired"
            tally[(*key, "right")] += good
        if not good and case.kind in ("foreign", "partly shared"):
            print(case.kind, case.material, case.sizes, case.shift, pairing.kind, pairing.evidence, flush=True)
    summaries = {kind: _summary(kind, tally) for kind, tally in counts.items()}
    for kind, result in summaries.items():
        print(kind, result["all"], flush=True)
    print(f"{perf_counter() - began:.0f} s, of which pairing {seconds:.0f} s")
    if chosen.json:
        options = f"--seed {chosen.seed} --foreign {chosen.foreign} --partly {chosen.partly} --related {chosen.related}"
        write_json(
            chosen.json,
            {
                "schema": "shiftassay.pairing/1",
                "command": f"python -m benchmarks.pairing {options} --json docs/results/pairing.json",
                "seed": chosen.seed,
                "development_seeds": "0 to 99, 1301",
                "environment": environment().to_json(),
                "results": summaries,
            },
        )


def _cases(seed: int, others: int, partly: int, same: int) -> Iterator[Case]:
    yield from (foreign(seed, i) for i in range(others))
    yield from (partly_shared(seed, i) for i in range(partly))
    yield from (related(seed, i) for i in range(same))


def _sizes(rng: np.random.Generator, whole: bool) -> tuple[int, int]:
    """Equal sizes two times in five; large ones less often, as they take long."""
    while True:
        n = int(rng.choice(SIZES))
        m = n if rng.random() < 0.4 else int(rng.choice((*SIZES, 5000)))
        if n * m <= LARGE or (not whole and rng.random() < 0.2):
            return n, m


def _size_of(case: Case) -> str:
    n, m = case.sizes
    return f"{n}" if case.kind not in ("foreign", "subset") else f"{n}, {m}"


def _summary(kind: str, tally: Counter[tuple[str, ...]]) -> dict[str, Any]:
    """Counts of all pairs, then by material, shift and size.

    For sets that have no partners, with the upper bound of the rate of false claims.
    """
    summary: dict[str, Any] = {}
    for *key, what in tally:
        place = (
            summary.setdefault(key[0], {}) if len(key) == 1 else summary.setdefault(key[0], {}).setdefault(key[1], {})
        )
        place[what] = tally[(*key, what)]
    if kind in ("foreign", "partly shared"):
        all_ = summary["all"]
        bound = binomtest(all_["paired"], all_["n"], alternative="less").proportion_ci(0.95, method="exact").high
        all_["false_rate_at_most"] = float(bound)  # one-sided, 95%, Clopper and Pearson (1934)
    return summary


if __name__ == "__main__":
    main()
