"""Strata of drawn cases. Each case has a generator of its own, named by seed, stratum and number.

So the first hundred cases of a stratum are the same in whatever company, and a case can be made again from its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import TypeVar

import numpy as np
from benchmarks.diagnosis import fashion, left_out, pairings
from benchmarks.diagnosis.build import dataset
from benchmarks.diagnosis.case import ANY, Answer, Case, Drawn, Images, Labels
from benchmarks.diagnosis.drawn import compositions, nulls
from benchmarks.diagnosis.drawn.draw import stored
from benchmarks.diagnosis.drawn.ranges import (
    IMAGES,
    LEFT_OUT_IMAGES,
    NULL_IMAGES,
    SHARE,
    UNKNOWN,
    UNPAIRED_IMAGES,
    Range,
)
from benchmarks.diagnosis.drawn.singles import IN_COLOR, PICTURE, SAMPLE, SINGLES, drawn_part
from benchmarks.diagnosis.drawn.strangers import STRANGERS
from benchmarks.diagnosis.families.channel_order import colored
from benchmarks.diagnosis.tones import dull
from benchmarks.diagnosis.unknowns import unknown_case

from shiftassay.random_stream import seed_for

COUNTS = {
    "paired": 400,
    "compositions": 150,
    "triples": 40,
    "unpaired": 150,
    "unknown": 150,
    "left_out": 100,
    "small": 150,
    "null": 800,
}
"""Cases of a test run."""
SMALL = 100  # images, of the stratum `small`
VISIBLE = 0.02  # strength (rms change over the sd of pixels): weaker draws are drawn again; bytes' rounding is 0.004
VISIBLE_UNKNOWN = 0.15  # the same of what is in no catalogue
STANDING_OUT = 8.0  # without pairs: standard errors by which a shift must move some statistic of a part of the picture
LOOKED_AT = 60  # images on which a draw is looked at
ATTEMPTS = 500
REORDERED, PARTLY, ON_FASHION = 0.15, 0.1, 0.25  # shares of the cases
STORED = ("float", "bytes", "half")
HOW_OFTEN = (0.5, 0.44, 0.06)
FEWEST_REORDERED, FEWEST_TOUCHED, FEWEST_LABELED, FEWEST_OF_CLASSES = 200, 200, 200, 600  # images
MOST_COLORED = 1000  # images in colour, which take long to make
BY_CHANCE = 0.3  # of the change of glass: by how much two draws must differ
WRAPPED = 0.02  # of the ink, that a roll must bring back on the other side
Rng = np.random.Generator
Kind = TypeVar("Kind")


def drawn_cases(seed: int, counts: Mapping[str, int]) -> list[Case]:
    """So many cases of each stratum, in that order."""
    return [drawn_case(seed, stratum, index) for stratum, count in counts.items() for index in range(count)]


@cache
def drawn_case(seed: int, stratum: str, index: int) -> Case:
    """The case of this number in a stratum, wherever and however often it is asked for."""
    rng = np.random.default_rng(seed_for("drawn", seed, stratum, index))
    for _ in range(ATTEMPTS):
        case = STRATA[stratum](Place(seed, stratum, index), rng)
        if case is not None:
            return case
    raise AssertionError(f"{stratum}-{index} of seed {seed}: no draw of {ATTEMPTS} was allowed")


class Place:
    """Where in a stratum a case stands: kinds take turns, in an order that the seed draws."""

    def __init__(self, seed: int, stratum: str, index: int) -> None:
        self.seed, self.stratum, self.index = seed, stratum, index

    def turn(self, kinds: tuple[Kind, ...]) -> Kind:
        """A new order for every round."""
        round_, place = divmod(self.index, len(kinds))
        rng = np.random.default_rng(seed_for("drawn", self.seed, self.stratum, "order", round_))
        return kinds[rng.permutation(len(kinds))[place]]

    def case(self, case: Case, n: float, rng: Rng, name: str = "mnist") -> Case:
        return replace(case, dataset=name, drawn=Drawn(self.seed, self.stratum, self.index, int(n)))


def _paired(place: Place, rng: Rng) -> Case | None:
    return _single(place, rng, place.turn(tuple(SINGLES)), IMAGES)


def _small(place: Place, rng: Rng) -> Case | None:
    return _single(place, rng, place.turn(PICTURE), Range(SMALL, SMALL), plain=True)


def _single(place: Place, rng: Rng, family: str, images: Range, plain: bool = False) -> Case | None:
    """One family with pairs; `plain`: all images touched, in the same order."""
    part = drawn_part(family, rng)
    if part is None:
        return None
    n, name = images.draw(rng), _dataset(rng)
    case = Case(part.group, (part,), PAIRING.get(family, "same_order"))
    if family in SAMPLE:
        if n < (FEWEST_OF_CLASSES if family == "class_prior" else FEWEST_LABELED):
            return None
        return place.case(case, n, rng, name)
    part = stored(part, _how(part.parameters, family, rng))
    case = replace(case, parts=(part,))
    if family in IN_COLOR:
        n, name, case = min(n, MOST_COLORED), "mnist", replace(case, prepare=colored)
    if family == "autocontrast":
        case = replace(case, prepare=dull)
    if family == "adversarial":
        n, name, case = min(n, 2000), "mnist", replace(case, model=True)
    chance = rng.random()
    if not plain and chance < REORDERED and family in reorderable() and part.scope == "shared":
        if n < FEWEST_REORDERED:
            return None
        case = replace(case, pairing="reordered")
    elif not plain and chance < REORDERED + PARTLY and family not in ("adversarial", "rescale"):
        if n < FEWEST_TOUCHED:
            return None
        case = replace(case, share=SHARE.draw(rng))
    looked = place.case(case, n, rng, name)
    return looked if _is_seen(looked, rng) else None


def _compositions(place: Place, rng: Rng) -> Case | None:
    return _composition(place, rng, place.turn(compositions.PAIRS))


def _triples(place: Place, rng: Rng) -> Case | None:
    return _composition(place, rng, place.turn(compositions.TRIPLES))


def _composition(place: Place, rng: Rng, kinds: tuple[str, ...]) -> Case | None:
    case = compositions.drawn_composition(kinds, rng)
    n, name = IMAGES.draw(rng), _dataset(rng)
    if case is None or ("labels" in kinds and n < FEWEST_LABELED):
        return None
    images, labels = _some(name, rng)
    made_of = int(rng.integers(2**31))
    if not (changes(case, images, labels, rng, VISIBLE) and compositions.shows(case, images, labels, made_of)):
        return None
    return place.case(compositions.with_other_order(case, images, labels, made_of), n, rng, name)


def _unpaired(place: Place, rng: Rng) -> Case | None:
    family = place.turn(unpairable())
    noise = family.endswith("_noise") or family in RANDOM_UNPAIRED
    part = drawn_part(family, rng, per_image=False)
    n, name = UNPAIRED_IMAGES.draw(rng), _dataset(rng)
    if part is None or (part.scope == "per_image" and not noise):
        return None
    if family == "class_prior":
        return place.case(Case("unpaired", (part,), "unpaired"), n, rng, name) if n >= FEWEST_OF_CLASSES else None
    part = stored(part, _how(part.parameters, family, rng))
    case = Case("unpaired", (part,), "unpaired")
    if family in IN_COLOR:
        n, name, case = min(n, MOST_COLORED), "mnist", replace(case, prepare=colored)
    case = place.case(case, n, rng, name)
    return case if _is_seen(case, rng) and _stands_out(case, n, rng) else None


def _unknown(place: Place, rng: Rng) -> Case | None:
    kind = place.turn(tuple(STRANGERS))
    case = unknown_case(kind, UNKNOWN[kind].draw(rng), STRANGERS[kind])
    how = "bytes" if rng.random() < 0.45 else "float"
    case = replace(case, parts=(stored(case.parts[0], how),))
    n, name = IMAGES.draw(rng), _dataset(rng)
    images, labels = _some(name, rng)
    return place.case(case, n, rng, name) if changes(case, images, labels, rng, VISIBLE_UNKNOWN) else None


def _left_out(place: Place, rng: Rng) -> Case | None:
    """A family that the catalogue then lacks: `unknown` is right, or what else makes the same."""
    families = tuple(family for family in PICTURE if family not in ("adversarial", *IN_COLOR))
    case = _single(place, rng, place.turn(families), LEFT_OUT_IMAGES, plain=True)
    if case is None:
        return None
    names = (name for name in left_out.EQUAL.get(case.family, ()) if name != "compose")
    answers = (Answer("unknown", None, None), *(Answer(name, None, ANY) for name in names))
    return replace(case, left_out=case.family, instead=answers)


def _null(place: Place, rng: Rng) -> Case | None:
    case = nulls.drawn_null(rng, place.turn(NULL_KINDS))
    n, name = (NULL_IMAGES if case and case.pairing != "same_order" else IMAGES).draw(rng), _dataset(rng)
    if case is None or nulls.kept(case, n) < nulls.FEWEST:
        return None
    if case.variant == "subset":
        n = max(n, 2 * nulls.FEWEST)
    if case.variant == "fewer":
        n = max(n, 3.5 * nulls.FEWEST)
    return place.case(case, n, rng, name)


def reorderable() -> frozenset[str]:
    """The families whose shifted images still show which image each was."""
    return frozenset(case.family for case in pairings.reordered())


def unpairable() -> tuple[str, ...]:
    """The families that sets without common images can show."""
    return tuple(dict.fromkeys([*(case.family for case in pairings.unpaired()), "dilate", "channel_order"]))


def _dataset(rng: Rng) -> str:
    return fashion.DATASET if rng.random() < ON_FASHION and fashion.INSTALLED_HERE else "mnist"


def _how(parameters: Mapping[str, object], family: str, rng: Rng) -> str:
    """Whether the result is rounded, and to what: not where values leave [0, 1]."""
    how = str(rng.choice(STORED, p=HOW_OFTEN))
    return "float" if family in ("rescale", "byte_wrap") or parameters.get("clip") is False else how


def _some(name: str, rng: Rng) -> tuple[Images, Labels]:
    """A few images to look at, with labels."""
    train = dataset(name).train
    assert train.labels is not None
    chosen = rng.choice(len(train), LOOKED_AT, replace=False)
    return train.images[chosen, 0], train.labels[chosen]


def _is_seen(case: Case, rng: Rng) -> bool:
    """Whether a single shift changes enough.

    Of a roll also whether ink comes back on the other side, of glass whether it differs from a plain blur: by chance.
    """
    images, labels = _some(case.dataset, rng)
    if case.family == "roll" and not _wraps(case, images):
        return False
    if case.family == "glass_blur":
        one, other = (before_and_after(case, images, labels, rng)[1] for _ in range(2))
        if compositions.rms(one - other) < BY_CHANCE * compositions.rms(one - images):
            return False
    return changes(case, images, labels, rng, VISIBLE)


def changes(case: Case, images: Images, labels: Labels, rng: Rng, least: float) -> bool:
    before, after = before_and_after(case, images, labels, rng)
    return bool(np.sqrt(np.mean((after - before) ** 2)) >= least * before.std())


def before_and_after(case: Case, images: Images, labels: Labels, rng: Rng) -> tuple[Images, Images]:
    before = after = case.prepare(images, rng)
    for part in case.parts:
        if part.group != "sample":
            after = part.make(after, labels, rng).images
    return before, after


def _wraps(case: Case, images: Images) -> bool:
    dx, dy = (case.parts[0].parameters[name] for name in ("dx", "dy"))
    dx, dy = (abs(d["values"][-1]) if isinstance(d, dict) else d for d in (dx, dy))
    h, w = images.shape[1:]
    rows, columns = np.indices((h, w))
    outside = (rows + dy < 0) | (rows + dy >= h) | (columns + dx < 0) | (columns + dx >= w)
    return bool(images[:, outside].sum() >= WRAPPED * images.sum())


def _stands_out(case: Case, n: float, rng: Rng) -> bool:
    """Whether sets of n images could show the shift at all: some statistic of a part of the picture must move.

    Means, mean squares and mean differences of neighbours of squares of 4 × 4 pixels are compared with their standard
    errors in two samples of n images.
    """
    images, labels = _some(case.dataset, rng)
    before, after = (_statistics(side) for side in before_and_after(case, images, labels, rng))
    error = np.sqrt((before.var(0) + after.var(0)) / n) + 1e-3
    return bool((np.abs(after.mean(0) - before.mean(0)) / error).max() >= STANDING_OUT)


def _statistics(images: Images) -> np.ndarray:
    """(n, statistics)."""
    images = images if images.ndim == 4 else images[:, None]
    neighbors = [np.abs(np.diff(images, axis=axis, append=0)) for axis in (2, 3)]
    n, c, h, w = images.shape
    blocks = [side.reshape(n, c, h // 4, 4, w // 4, 4).mean((3, 5)) for side in (images, images**2, *neighbors)]
    return np.concatenate([block.reshape(n, -1) for block in blocks], 1)


RANDOM_UNPAIRED = ("pixel_dropout", "fog", "spatter", "dotted_line", "zigzag")
PAIRING = {"reorder": "reordered", "class_prior": None}
NULL_KINDS = (*4 * ("samples",), *2 * ("drifted",), *4 * ("paired",))
STRATA: dict[str, Callable[[Place, Rng], Case | None]] = {
    "paired": _paired,
    "compositions": _compositions,
    "triples": _triples,
    "unpaired": _unpaired,
    "unknown": _unknown,
    "left_out": _left_out,
    "small": _small,
    "null": _null,
}
