import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import beneath
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES

BLACK = ImageSet(np.zeros((500, 1, 28, 28), np.float32))


def test_a_dotted_line_is_on_for_two_columns_and_off_for_two():
    ink = catalog.shift(BLACK, "dotted_line").images[:, 0]
    on = ink.max((0, 1)) > 0
    assert on.tolist() == [c % 4 >= 2 and c < 27 for c in range(28)]
    assert (ink[:, :, on].max(1) > 0.7).all()  # no more than half a pixel from the line


def test_a_zigzag_swings_about_its_line():
    ink = catalog.shift(BLACK, "zigzag").images[:, 0]
    assert not ink[:, :, :1].any()
    assert not ink[:, :, 26:].any()
    rows = (ink * np.arange(28)[:, None]).sum(1)[:, 4:24] / np.maximum(ink.sum(1)[:, 4:24], 1e-6)
    inside = (ink[:, [0, -1]].max((1, 2)) == 0) & (ink.max(1)[:, 2:25] > 0).all(1)
    assert inside.sum() > 100
    turns = np.sign(np.diff(rows[inside], axis=1))
    assert 3 <= np.median((turns[:, 1:] * turns[:, :-1] < 0).sum(1)) <= 7


@pytest.mark.parametrize(("width", "dash"), [(2.3, 2), (4.0, 3), (1.5, 1)])
@pytest.mark.parametrize("pictures", ["digits", "clothes", "colors"])
def test_a_dotted_line_is_found(width, dash, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), f"dotted_line:width={width},dash={dash}")
    estimate = estimate_of(pairs, "dotted_line").parameters
    assert estimate["dash"] == dash
    assert estimate["width"] == pytest.approx(width, rel=0.03)


@pytest.mark.parametrize(("step", "height", "width"), [(2.0, 2.0, 2.3), (3.0, 1.0, 1.5), (4.0, 3.0, 3.0)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_a_zigzag_is_found(step, height, width, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), f"zigzag:step={step},height={height},width={width}")
    estimate = estimate_of(pairs, "zigzag").parameters
    assert estimate["step"] == pytest.approx(step, rel=0.03)
    assert estimate["height"] == pytest.approx(height, rel=0.05)
    assert estimate["width"] == pytest.approx(width, rel=0.05)


def test_a_dotted_line_and_a_zigzag_are_told_apart(digits):
    assert not FAMILIES["zigzag"].estimate(shifted_pairs(digits.images, "dotted_line"))
    assert not FAMILIES["dotted_line"].estimate(shifted_pairs(digits.images, "zigzag"))


def drawn_and_inferred(images, text, after=lambda shifted, rng: shifted):
    """The shifted images, and the remake with the lines that are inferred from them."""
    shift, rng = parse(text), np.random.default_rng(3)
    shifted = after(shift.apply(images, rng), rng).astype(np.float32)
    inferred = shift.infer_draws(Pairs(images, shifted))
    return shifted, inferred.apply(images, np.random.default_rng(99))


LINES = ("dotted_line", "zigzag:step=2.6,height=3.1,width=1.9")


@pytest.mark.parametrize("text", LINES)
def test_each_image_s_own_line_is_known(text, digits):
    shifted, remade = drawn_and_inferred(digits.images, text)
    assert np.array_equal(shifted, remade)


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize(
    "after",
    [
        lambda shifted, rng: np.clip(shifted + rng.normal(0, 0.3, shifted.shape), 0, 1),
        lambda shifted, rng: np.where(rng.random(shifted.shape) < 0.2, rng.integers(0, 2, shifted.shape), shifted),
    ],
)
def test_each_image_s_own_line_is_known_beneath_noise(text, after, digits):
    clean, _ = drawn_and_inferred(digits.images, text)
    _, remade = drawn_and_inferred(digits.images, text, after)
    as_drawn = (np.abs(clean - remade).max((1, 2, 3)) == 0).mean()
    assert as_drawn > 0.9


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("later", ["translate:dx=2.4,dy=-0.3", "gaussian_blur:sd=1.5", "rotate:angle=12"])
def test_a_line_is_found_before_a_known_move_or_blur(text, later, digits):
    both = parse(f"{text}+{later}")
    shifted = both.apply(digits.images, np.random.default_rng(3))
    pairs = beneath(both.parts[1:], digits.images, shifted)
    (found,) = FAMILIES[both.parts[0].family].estimate(pairs)
    for name, value in both.parts[0].parameters.items():
        assert getattr(found, name) == pytest.approx(value, rel=0.25), name
    remade = both.infer_draws(Pairs(digits.images, shifted)).apply(digits.images, np.random.default_rng(99))
    assert (np.abs(remade - shifted).mean((1, 2, 3)) < 1e-4).mean() > 0.95


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("noise", ["gaussian_noise:sd=0.3", "impulse_noise:fraction=0.2"])
def test_a_line_is_found_beneath_noise(text, noise, digits):
    line = parse(text)
    found = estimate_of(shifted_pairs(digits.images, f"{text}+{noise}"), line.family)
    for name, value in line.parameters.items():
        assert getattr(found, name) == pytest.approx(value, rel=0.2), name


def test_no_line_is_found_in_noise_alone(digits):
    for noise in ("gaussian_noise:sd=0.3", "impulse_noise:fraction=0.3", "shot_noise:photons=4"):
        for family in ("dotted_line", "zigzag"):
            assert not FAMILIES[family].estimate(shifted_pairs(digits.images, noise))
