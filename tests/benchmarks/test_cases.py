"""The catalogue's own shifts, made with a case's truth, give the case's images: conventions are the catalogue's."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from benchmarks.diagnosis.build import Built, build, with_channels
from benchmarks.diagnosis.case import Answer, Case
from benchmarks.diagnosis.collection import every_case

from shiftassay.shifts.catalog import make

CASES = [case for case in every_case().values() if case.group != "left_out" and case.dataset == "mnist"]
SINGLE = [case for case in CASES if len(case.parts) == 1 and case.share == 1]
FIXED = [c for c in SINGLE if c.parts[0].scope == "shared" and c.pairing == "same_order"]
FIXED_COMPOSITIONS = [c for c in CASES if len(c.parts) > 1 and all(p.scope == "shared" for p in c.parts)]
# Another kernel, another centre: another picture, nearer to ours than to what it was made from.
OTHERWISE = ("nearest", "cubic", "half", "resize")


@pytest.mark.parametrize("case", FIXED, ids=lambda case: case.name)
def test_the_catalogue_makes_the_same_images(case: Case) -> None:
    built = build(case, 40)
    ours = _made(built.answers[0], built)
    error, moved = _rms(ours - built.shifted), _rms(built.reference - built.shifted)
    loose = any(word in case.parts[0].way for word in OTHERWISE)
    assert error <= (0.6 if loose else 0.1) * moved


@pytest.mark.parametrize("case", FIXED_COMPOSITIONS, ids=lambda case: case.name)
def test_every_right_answer_on_a_composition_makes_the_same_images(case: Case) -> None:
    built = build(case, 40)
    moved = _rms(built.reference - built.shifted)
    for answer in built.answers:
        assert _rms(_made(answer, built) - built.shifted) <= 0.2 * moved


@pytest.mark.parametrize(
    "case",
    [c for c in SINGLE if c.group in ("noise", "overlay", "blur") and c.parts[0].scope == "per_image"],
    ids=lambda c: c.name,
)
def test_random_shifts_have_the_catalogues_moments(case: Case) -> None:
    built = build(case, 150)
    ours = _made(built.answers[0], built)
    for power in (1, 2):
        theirs, expected = ((x - built.reference) ** power for x in (built.shifted, ours))
        spread = np.hypot(theirs.mean((1, 2)).std(), expected.mean((1, 2)).std()) / np.sqrt(len(ours))
        assert abs(theirs.mean() - expected.mean()) <= 4 * spread + 2e-3


@pytest.mark.parametrize("case", [c for c in CASES if c.pairing == "same_order"][::4], ids=lambda case: case.name)
def test_a_case_is_made_the_same_again_and_stays_in_range(case: Case) -> None:
    one, two = build(case, 20, seed=3), build(case, 20, seed=3)
    assert np.array_equal(one.shifted, two.shifted)
    assert one.shifted.dtype == np.float32
    assert np.isfinite(one.shifted).all()
    if case.family != "rescale":
        assert one.shifted.min() >= -4
        assert one.shifted.max() <= 5


def test_names_are_distinct_and_every_family_has_cases() -> None:
    from shiftassay.shifts.family import FAMILIES

    covered = {part.family for case in every_case().values() for part in case.parts}
    missing = set() if find_spec("skimage") else {"canny_edges"}
    between_sizes = {name for name in FAMILIES if FAMILIES[name].group == "framing"}
    assert set(FAMILIES) - covered == {"compose"} | between_sizes | missing


def test_attacks_stay_in_their_ball_and_fool_the_model() -> None:
    import torch
    from benchmarks.diagnosis.attack import victim

    for case in (c for c in SINGLE if c.family == "adversarial"):
        built = build(case, 100)
        epsilon, norm = (case.parts[0].parameters[name] for name in ("epsilon", "norm"))
        delta = built.shifted - built.reference
        size = np.abs(delta).max() if norm == "linf" else np.linalg.norm(delta, axis=(1, 2)).max()
        assert size <= epsilon + 0.003
        right = [
            (victim()(torch.from_numpy(x)[:, None]).argmax(1).numpy() == built.labels).mean()
            for x in (built.reference, built.shifted)
        ]
        assert right[1] < right[0] - 0.1


def _made(answer: Answer, built: Built) -> np.ndarray:
    """By the catalogue."""
    shift = make(answer.family, _plain(dict(answer.parameters or {})), answer.scope)
    made = shift.apply(with_channels(built.reference).astype(np.float32), np.random.default_rng(1))
    return made.reshape(built.reference.shape)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(difference**2)))
