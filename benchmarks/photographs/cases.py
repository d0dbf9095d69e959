"""Strata of drawn cases on photographs, and both sets of each.

Each case has a generator of its own, named by seed, stratum and number, as on digits. Seeds below 1000 use the
photographs for development, larger ones those for tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
from benchmarks.diagnosis.build import Built, assembled
from benchmarks.diagnosis.case import Case, Drawn, Images, Part
from benchmarks.diagnosis.drawn import cases as of_digits
from benchmarks.diagnosis.drawn import compositions, log
from benchmarks.diagnosis.drawn.draw import stored
from benchmarks.photographs import nulls, strangers
from benchmarks.photographs.singles import FAMILIES, drawn_part
from benchmarks.photographs.source import SIZE, Split, photographs

from shiftassay.random_stream import seed_for

COUNTS = {"paired": 100, "compositions": 40, "unknown": 30, "null": 30}
"""Cases of a run, where no others are asked for."""
IMAGES = 300
AS_BYTES = 0.8  # share of the sets that are stored as pictures are
LOOKED_AT = 16  # crops on which a draw is looked at
PAIRS = (
    *(pair for pair in compositions.PAIRS if "labels" not in pair),
    *(("channels", "move"), ("tone", "channels"), ("channels", "noise"), ("blur", "channels")),
    *(("move", "colours"), ("mirror", "colours"), ("channels", "colours"), ("colours", "noise"), ("colours", "jpeg")),
)
SCRAMBLED = "pixel_permutation"  # not in compositions: judging each of 50,000 places against all others takes too long
HIGHEST_UNIT = 4.0  # values up to here are read as units of white beside a reference of bytes
Rng = np.random.Generator


def photograph_case(
    seed: int, stratum: str, index: int, n: int = IMAGES, size: int = SIZE
) -> tuple[np.ndarray, np.ndarray, Built]:
    """Reference and shifted set of a case, (n, 3, size, size) as `diagnose` takes them, and the truth.

    Sets are uint8 if bytes hold their values, else float32. The truth's first answer has family, parameters, scope.
    """
    built = build(drawn_case(seed, stratum, index, n, size), size)
    return (*given(built), built)


def drawn_cases(seed: int, counts: Mapping[str, int], n: int = IMAGES, size: int = SIZE) -> list[Case]:
    """So many cases of each stratum, in that order."""
    return [drawn_case(seed, stratum, index, n, size) for stratum, count in counts.items() for index in range(count)]


@cache
def drawn_case(seed: int, stratum: str, index: int, n: int = IMAGES, size: int = SIZE) -> Case:
    """The case of this number in a stratum, wherever and however often it is asked for."""
    rng = np.random.default_rng(seed_for("photographs", seed, stratum, index))
    for _ in range(of_digits.ATTEMPTS):
        case = STRATA[stratum](of_digits.Place(seed, stratum, index), rng, size)
        if case is not None:
            return replace(case, dataset=f"photographs-{size}", drawn=Drawn(seed, stratum, index, n))
    raise AssertionError(f"{stratum}-{index} of seed {seed}: no draw of {of_digits.ATTEMPTS} was allowed")


def build(case: Case, size: int = SIZE) -> Built:
    """Both sets of a case as floats, with the right answers; labels, which photographs have none of, are all 0."""
    drawn = case.drawn
    assert drawn is not None
    source = ("photographs", drawn.seed, drawn.stratum, drawn.index)
    count = drawn.images * (2 if case.pairing == "unpaired" else 1)
    images = _as_floats(photographs(split_of(drawn.seed), count, size, seed_for(*source, "images")))
    streams = [np.random.default_rng(seed_for(*source, "part", i)) for i in range(len(case.parts))]
    rng = np.random.default_rng(seed_for(*source, "order"))
    return assembled(case, images, np.zeros(count, np.int64), rng, streams)


def given(built: Built) -> tuple[np.ndarray, np.ndarray]:
    """Reference and shifted set as a user would have them.

    The reference is of floats where only they say what the shifted set's unit is.
    """
    shifted = _as_bytes(built.shifted)
    other_unit = shifted.dtype != np.uint8 and float(np.abs(shifted).max()) > HIGHEST_UNIT
    return built.reference if other_unit else _as_bytes(built.reference), shifted


def split_of(seed: int) -> Split:
    return "test" if seed >= log.FIRST_TEST_SEED else "development"


def _paired(place: of_digits.Place, rng: Rng, size: int) -> Case | None:
    part = drawn_part(place.turn(FAMILIES), rng, size)
    if part is None:
        return None
    if part.group == "sample":
        return Case(part.group, (part,), "reordered")
    part = stored(part, _how(part, rng))
    case = Case(part.group, (part,))
    return case if _is_seen(case, _some(place.seed, size), rng) else None


def _compositions(place: of_digits.Place, rng: Rng, size: int) -> Case | None:
    def draw_part(family: str, rng: Rng, each: bool, smooth: bool) -> Part | None:
        if family == SCRAMBLED:
            return None
        part = drawn_part(family, rng, size, each, smooth, few_places=True)
        return None if part is None or _leaves(part) else part

    case = compositions.drawn_composition(place.turn(PAIRS), rng, draw_part, AS_BYTES)
    made_of = int(rng.integers(2**31))
    images, labels = _some(place.seed, size), np.zeros(LOOKED_AT, np.int64)
    if case is None or not compositions.shows(case, images, labels, made_of):
        return None
    if not of_digits.changes(case, images, labels, rng, of_digits.VISIBLE):
        return None
    return compositions.with_other_order(case, images, labels, made_of)


def _unknown(place: of_digits.Place, rng: Rng, size: int) -> Case | None:
    case = strangers.stranger(place.turn(strangers.NAMES), rng, size)
    case = replace(case, parts=(stored(case.parts[0], "bytes" if rng.random() < AS_BYTES else "float"),))
    images, labels = _some(place.seed, size), np.zeros(LOOKED_AT, np.int64)
    return case if of_digits.changes(case, images, labels, rng, of_digits.VISIBLE_UNKNOWN) else None


def _null(place: of_digits.Place, rng: Rng, size: int) -> Case | None:
    return nulls.drawn_null(place.turn(nulls.KINDS), rng)


def _how(part: Part, rng: Rng) -> str:
    """Whether the result is stored as bytes: not where values leave [0, 1]."""
    return "bytes" if rng.random() < AS_BYTES and not _leaves(part) else "float"


def _leaves(part: Part) -> bool:
    """Whether values leave [0, 1]: a gain says only where it is cut."""
    factor = part.parameters.get("factor")
    brightens = part.family == "gain" and isinstance(factor, float) and factor > 1
    return part.family in ("rescale", "byte_wrap") or part.parameters.get("clip", not brightens) is False


def _is_seen(case: Case, images: Images, rng: Rng) -> bool:
    """Whether the shift changes enough; of glass also whether two draws differ, else it is a plain blur."""
    labels = np.zeros(len(images), np.int64)
    if case.family == "glass_blur":
        one, other = (of_digits.before_and_after(case, images, labels, rng)[1] for _ in range(2))
        if compositions.rms(one - other) < of_digits.BY_CHANCE * compositions.rms(one - images):
            return False
    return of_digits.changes(case, images, labels, rng, of_digits.VISIBLE)


def _some(seed: int, size: int) -> Images:
    return _looked_at(split_of(seed), size)


@cache
def _looked_at(split: Split, size: int) -> Images:
    return _as_floats(photographs(split, LOOKED_AT, size, seed_for("looked at")))


def _as_floats(pictures: np.ndarray) -> Images:
    """(n, 3, h, w) between 0 and 1."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(255)


def _as_bytes(images: Images) -> np.ndarray:
    """As uint8 if that loses nothing."""
    if images.min() < 0 or images.max() > 1:
        return images
    rounded = np.rint(images * np.float32(255)).astype(np.uint8)
    return rounded if np.array_equal(rounded / np.float32(255), images) else images


STRATA: dict[str, Callable[[of_digits.Place, Rng, int], Case | None]] = {
    "paired": _paired,
    "compositions": _compositions,
    "unknown": _unknown,
    "null": _null,
}
