"""Two shifts in a row, made by SciPy and NumPy: both are named, in their order, with their numbers."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, rotate, shift

from shiftassay.diagnosis.paired.candidate import estimates
from shiftassay.diagnosis.paired.joint import fitted_jointly
from shiftassay.diagnosis.paired.search import search
from shiftassay.diagnosis.paired.task import Task
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.blur import GaussianBlur
from shiftassay.shifts.families.edges import CannyEdges
from shiftassay.shifts.families.intensity import Gain
from shiftassay.shifts.families.linear_maps import Rotate
from shiftassay.shifts.families.noise import ImpulseNoise
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.parameters import Uniform

FIT = 120
SINGLE = [f for f in FAMILIES if FAMILIES[f].group not in ("sample", "several", "attack")]


def slow(*values):
    """Of a table of cases: one for `make test-all`."""
    return pytest.param(*values, marks=pytest.mark.torture)


def turned(images, angle=20.0):
    return np.clip(rotate(images, angle, (3, 2), reshape=False, order=1), 0, 1)


def noisy(images, sd=0.15):
    return np.clip(images + np.random.default_rng(5).normal(0, sd, images.shape), 0, 1)


def peppered(images, fraction=0.1):
    rng = np.random.default_rng(5)
    hit, salt = rng.random(images.shape) < fraction, rng.random(images.shape) < 0.5
    return np.where(hit, salt, images)


def moved(images):
    black = np.zeros_like(images)
    black[:, :, 2:, 3:] = images[:, :, :-2, :-3]
    return black


def blurred(images, sd=1.2):
    return gaussian_filter(images, (0, 0, sd, sd), mode="nearest")


def covered(images, fill=1.0):
    under = images.copy()
    under[:, :, 8:18, 8:18] = fill
    return under


def edges(images):
    return CannyEdges().apply(images, np.random.default_rng(0))


def halved(images):
    return (images > 0.5).astype(np.float32)


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        slow(turned, noisy, [("rotate", {"angle": 20.0}), ("gaussian_noise", {"sd": 0.15})]),
        slow(peppered, moved, [("impulse_noise", {"fraction": 0.1}), ("translate", {"dx": 3.0, "dy": 2.0})]),
        slow(blurred, covered, [("gaussian_blur", {"sd": 1.2}), ("occlusion", {"top": 8, "height": 10, "fill": 1.0})]),
        slow(blurred, halved, [("gaussian_blur", {"sd": 1.2}), ("threshold", {"level": 0.5})]),
        slow(turned, edges, [("rotate", {"angle": 20.0}), ("canny_edges", {})]),
        slow(turned, halved, [("rotate", {"angle": 20.0}), ("threshold", {"level": 0.5})]),
        slow(covered, noisy, [("occlusion", {"top": 8, "height": 10}), ("gaussian_noise", {"sd": 0.15})]),
    ],
)
def test_two_shifts_in_a_row_are_named_in_their_order(first, last, named, digits):
    shifted = last(first(digits.images)).astype(np.float32)
    fit, held = (Pairs(digits.images[part], shifted[part]) for part in (slice(FIT), slice(FIT, None)))
    best = search(Task(fit, held, SINGLE))[0]
    assert best.fits
    parts = best.shift.components
    assert [part.family for part in parts] == [family for family, _ in named]
    for part, (_, numbers) in zip(parts, named, strict=True):
        for name, value in numbers.items():
            assert getattr(part, name) == pytest.approx(value, rel=0.06)


def by_part_of_a_pixel(images):
    return shift(images, (0, 0, 0.37, -0.16), order=1)


def grainy(images, sd=0.5):
    return np.clip(images * (1 + np.random.default_rng(5).normal(0, sd, images.shape)), 0, 1)


def brightened(images):
    return np.clip(2.5 * images, 0, 1)


def coarse(images):
    n, c, h, w = images.shape
    means = images.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))
    return means.repeat(2, 2).repeat(2, 3)


def smeared(images, length=4.2):
    """The mean of many copies along a line to the right."""
    steps = np.linspace(-length / 2, length / 2, 61)
    return np.mean([shift(images, (0, 0, 0, step), order=1, mode="nearest") for step in steps], axis=0)


@pytest.mark.torture
@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        (by_part_of_a_pixel, partial(blurred, sd=0.5), {"translate": {"dx": -0.16}, "gaussian_blur": {"sd": 0.5}}),
        (halved, coarse, {"threshold": {"level": 0.5}, "pixelate": {"factor": 2}}),
        (brightened, grainy, {"gain": {"factor": 2.5}, "speckle_noise": {"sd": 0.5}}),
        (noisy, turned, {"gaussian_noise": {"sd": 0.15}, "rotate": {"angle": 20.0}}),
        (
            partial(peppered, fraction=0.3),
            smeared,
            {"impulse_noise": {"fraction": 0.3}, "motion_blur": {"length": 4.2}},
        ),
    ],
)
def test_two_shifts_that_hide_each_other_are_named(first, last, named, digits):
    shifted = last(first(digits.images)).astype(np.float32)
    fit, held = (Pairs(digits.images[part], shifted[part]) for part in (slice(FIT), slice(FIT, None)))
    best = search(Task(fit, held, SINGLE))[0]
    assert best.fits
    assert {part.family for part in best.shift.components} == set(named)
    for part in best.shift.components:
        for name, value in named[part.family].items():
            assert getattr(part, name) == pytest.approx(value, rel=0.08)


def zigzagged(images):
    return parse("zigzag:step=2.4,height=3,width=2").apply(images, np.random.default_rng(8))


def dotted(images):
    return parse("dotted_line:width=2.6,dash=3").apply(images, np.random.default_rng(8))


def striped(images):
    return parse("stripe:columns=[5,6,7,8,9]").apply(images, np.random.default_rng(8))


def hidden_in_the_middle(images):
    under = images.copy()
    under[:, :, 9:17, 5:17] = 0
    return under


def in_blocks_of_three(images):
    return parse("pixelate:factor=3").apply(images, np.random.default_rng(8))


@pytest.mark.torture
@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        (zigzagged, noisy, [("zigzag", {"step": 2.4, "height": 3.0, "width": 2.0}), ("gaussian_noise", {"sd": 0.15})]),
        (dotted, partial(peppered, fraction=0.2), [("dotted_line", {"width": 2.6}), ("impulse_noise", {})]),
        (zigzagged, by_part_of_a_pixel, [("zigzag", {"step": 2.4}), ("translate", {"dx": -0.16, "dy": 0.37})]),
        (dotted, blurred, [("dotted_line", {"width": 2.6}), ("gaussian_blur", {"sd": 1.2})]),
        (zigzagged, brightened, [("zigzag", {"step": 2.4, "width": 2.0}), ("gain", {"factor": 2.5})]),
        (striped, by_part_of_a_pixel, [("stripe", {}), ("translate", {"dx": -0.16, "dy": 0.37})]),
        (hidden_in_the_middle, in_blocks_of_three, [("occlusion", {"top": 9, "height": 8}), ("pixelate", {})]),
        (partial(noisy, sd=0.5), hidden_in_the_middle, [("gaussian_noise", {"sd": 0.5}), ("occlusion", {"top": 9})]),
    ],
)
def test_what_covers_or_is_drawn_is_named_beside_what_follows(first, last, named, digits):
    shifted = last(first(digits.images)).astype(np.float32)
    fit, held = (Pairs(digits.images[part], shifted[part]) for part in (slice(FIT), slice(FIT, None)))
    best = search(Task(fit, held, SINGLE))[0]
    assert best.fits
    assert [part.family for part in best.shift.components] == [family for family, _ in named]
    for part, (_, numbers) in zip(best.shift.components, named, strict=True):
        for name, value in numbers.items():
            assert getattr(part, name) == pytest.approx(value, rel=0.08), name


def dimmed(images):
    return images * 0.5


def dropped(images, fraction=0.3):
    return np.where(np.random.default_rng(5).random(images.shape) < fraction, 0, images)


def turned_by_cubics(images, angle=20.0):
    return np.clip(rotate(images, angle, (3, 2), reshape=False, order=3), 0, 1)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        # What covers some pixels does not pull at the numbers of what happened to the others.
        slow(lambda x: peppered(dimmed(x)), [("gain", {"factor": 0.5}), ("impulse_noise", {})]),
        slow(lambda x: dimmed(dropped(x)), [("pixel_dropout", {}), ("gain", {"factor": 0.5})]),
        slow(lambda x: peppered(moved(x)), [("translate", {"dx": 3.0, "dy": 2.0}), ("impulse_noise", {})]),
        slow(lambda x: peppered(blurred(x), 0.2), [("gaussian_blur", {"sd": 1.2}), ("impulse_noise", {})]),
        # Two maps in a row, or a mirror and a map, are no general affine one, whatever follows.
        slow(
            lambda x: turned_by_cubics(moved(x)), [("translate", {"dx": 3.0, "dy": 2.0}), ("rotate", {"angle": 20.0})]
        ),
        slow(
            lambda x: dimmed(turned(x[..., ::-1])),
            [("flip_horizontal", {}), ("rotate", {"angle": 20.0}), ("gain", {"factor": 0.5})],
        ),
    ],
)
def test_numbers_that_nothing_hides_are_exact(made, named, digits):
    shifted = np.ascontiguousarray(made(digits.images), np.float32)
    fit, held = (Pairs(digits.images[part], shifted[part]) for part in (slice(FIT), slice(FIT, None)))
    best = search(Task(fit, held, SINGLE))[0]
    assert best.fits
    parts = in_normal_form(best.shift).components
    assert [part.family for part in parts] == [family for family, _ in named]
    for part, (_, numbers) in zip(parts, named, strict=True):
        for name, value in numbers.items():
            assert getattr(part, name) == pytest.approx(value, rel=0.002)


def test_what_helpers_estimate_is_what_one_processestimates(digits):
    shifted = turned(digits.images).astype(np.float32)
    pairs = Pairs(digits.images[:60], shifted[:60])
    alone = estimates(SINGLE, pairs)
    torch.set_num_threads(2)
    try:
        with one_thread_each():
            helped = estimates(SINGLE, pairs)
    finally:
        torch.set_num_threads(1)
    assert list(map(str, helped)) == list(map(str, alone))
    assert list(map(str, pickle.loads(pickle.dumps(helped)))) == list(map(str, alone))


def test_numbers_known_without_what_covers_some_pixels_stay_when_fitted_again(digits, rng):
    """Cut off at two sds, as other code may, so that not even the pixels that nothing covers are fitted exactly."""
    images = digits.images[:130]
    blurred = gaussian_filter(images, (0, 0, 1.5, 1.5), mode="nearest", truncate=2.0)
    hit = rng.random(images.shape) < 0.2
    pairs = Pairs(images, np.where(hit, rng.random(images.shape) < 0.5, blurred).astype(np.float32))
    once = fitted_jointly(Compose((GaussianBlur(1.5), ImpulseNoise(0.2))), pairs)
    again = fitted_jointly(once, pairs)
    sds = [spec.parts[0].sd for spec in (once, again)]
    assert sds[1] == pytest.approx(sds[0], rel=0.005)


def test_draws_of_many_images_are_followed_beside_what_covers_some_pixels(digits, rng):
    images = digits.images[:160]
    spec = Compose((Rotate(Uniform(-20.0, 20.0), scope="per_image"), Gain(0.6), ImpulseNoise(0.1)))
    result = fitted_jointly(spec, Pairs(images, spec.apply(images, rng)))
    assert result.parts[1].factor == pytest.approx(0.6, rel=0.02)


@pytest.mark.parametrize("named", ["flip_horizontal", "flip_vertical"])
@pytest.mark.parametrize("angle", [-170.0, -95.0, 30.0, 100.0, 180.0])
def test_a_mirror_beside_a_large_turn_is_the_other_one_beside_a_small_turn(named, angle, digits):
    mirror, turn = FAMILIES[named](), Rotate(angle)
    few = digits.images[:5]
    for parts in ((mirror, turn), (turn, mirror), (mirror, turn, mirror), (turn, mirror, turn)):
        spec = Compose(parts)
        less = in_normal_form(spec)
        assert less.apply(few, np.random.default_rng(0)) == pytest.approx(
            spec.apply(few, np.random.default_rng(0)), abs=1e-4
        )
        turns = [part.angle for part in less.components if isinstance(part, Rotate)]
        assert len(parts) > 2 or all(0 < abs(a) <= 90 for a in turns)
