import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from skimage import exposure
from tests.shifts.estimates import estimate_of

from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.contrast import Autocontrast, Contrast, Equalize
from shiftassay.shifts.parameters import PerImage, Uniform


@pytest.fixture(scope="module")
def dull(colors) -> np.ndarray:
    """Bytes, colours last, that do not fill their range."""
    return np.rint(255 * (0.1 + 0.7 * colors[:30])).astype(np.uint8).transpose(0, 2, 3, 1)


def images(pictures) -> np.ndarray:
    made = np.stack([np.asarray(picture) for picture in pictures]).astype(np.float32)
    return np.ascontiguousarray((made.transpose(0, 3, 1, 2) if made.ndim == 4 else made[:, None]) / np.float32(255))


def differences(shift, before, after) -> np.ndarray:
    """In bytes."""
    return 255 * np.abs(shift.apply(images(before), np.random.default_rng(0)) - images(after))


@pytest.mark.parametrize("factor", [0.3, 1.7])
def test_contrast_is_that_of_pillow(dull, factor):
    changed = [ImageEnhance.Contrast(Image.fromarray(one)).enhance(factor) for one in dull]
    assert differences(Contrast(factor), dull, changed).max() < 1.5
    assert differences(Contrast(factor).alternatives()["in bytes"], dull, changed).mean() < 0.1
    estimate = estimate_of(Pairs(images(dull), images(changed)), "contrast", "shared")
    assert estimate.parameters["factor"] == pytest.approx(factor, rel=0.005)


def test_a_contrast_of_each_image_is_found_as_its_distribution(dull, rng):
    factors = rng.uniform(0.5, 1.5, len(dull))
    changed = [ImageEnhance.Contrast(Image.fromarray(one)).enhance(f) for one, f in zip(dull, factors, strict=True)]
    pairs = Pairs(images(dull), images(changed))
    estimate = estimate_of(pairs, "contrast", "per_image")
    assert isinstance(estimate, Contrast)
    assert isinstance(estimate.factor, Uniform)
    inferred = estimate.infer_draws(pairs)
    assert isinstance(inferred, Contrast)
    assert isinstance(inferred.factor, PerImage)
    assert np.abs(inferred.factor.values - factors).max() < 0.02


def test_autocontrast_is_that_of_pillow_and_opencv(dull):
    by_pillow = [ImageOps.autocontrast(Image.fromarray(one)) for one in dull]
    assert differences(Autocontrast(), dull, by_pillow).max() < 1.001
    assert differences(Autocontrast().alternatives()["in bytes"], dull, by_pillow).mean() < 0.1
    by_opencv = [cv2.normalize(one, one.copy(), 0, 255, cv2.NORM_MINMAX) for one in dull]
    assert differences(Autocontrast("opencv"), dull, by_opencv).max() < 0.51
    assert Autocontrast.estimate(Pairs(images(dull), images(by_opencv))) == [Autocontrast("opencv")]


def test_equalize_is_that_of_pillow_opencv_and_scikit_image(dull):
    assert differences(Equalize(), dull, [ImageOps.equalize(Image.fromarray(one)) for one in dull]).max() < 1e-3
    gray = np.ascontiguousarray(dull[..., 0])
    by_opencv = [cv2.equalizeHist(one) for one in gray]
    assert differences(Equalize("opencv"), gray, by_opencv).mean() < 0.02  # its scale has single precision
    assert Equalize.estimate(Pairs(images(gray), images(by_opencv))) == [Equalize("opencv")]
    by_skimage = [255 * exposure.equalize_hist(one) for one in gray]
    assert differences(Equalize("skimage"), gray, by_skimage).max() < 1e-3


@pytest.mark.parametrize("other", ["gain:factor=0.6", "gamma:exponent=2", "invert", "gaussian_blur:sd=1"])
def test_what_is_another_change_has_no_such_estimate(colors, other):
    changed = parse(other).apply(colors, np.random.default_rng(0))
    pairs = Pairs(colors, changed)
    assert not Autocontrast.estimate(pairs)
    assert not Equalize.estimate(pairs)
