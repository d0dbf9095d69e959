"""Filters, resolution, formats and light by other code: parameters and remakes match."""

from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.shifts.estimates import estimate_of, unexplained

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES

Filter = Callable[[np.ndarray], np.ndarray]
SIZE, COUNT = 64, 12
VIGNETTE = 1 - 0.7 * (np.linspace(-1, 1, SIZE)[:, None] ** 2 + np.linspace(-1, 1, SIZE) ** 2) / 2


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Colour pictures in bytes, (n, h, w, 3), with smooth grounds, edges and texture."""
    rng = np.random.default_rng(3)
    made = cv2.resize(
        rng.uniform(30, 220, (SIZE // 8, SIZE // 8, 3 * COUNT)), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    made = made.reshape(SIZE, SIZE, COUNT, 3).transpose(2, 0, 1, 3).copy()
    for one in made:
        for _ in range(12):
            top, left, height, width = rng.integers(0, 48), rng.integers(0, 48), *rng.integers(3, 20, 2)
            one[top : top + height, left : left + width] = rng.uniform(0, 255, 3)
    texture = rng.normal(0, 8, (COUNT, SIZE, SIZE, 1))
    return np.clip(np.rint(made + texture), 0, 255).astype(np.uint8)


def _pairs(pictures: np.ndarray, make: Filter) -> Pairs:
    shifted = np.stack([make(one) for one in pictures])
    before, after = (np.ascontiguousarray(s.transpose(0, 3, 1, 2), np.float32) / 255 for s in (pictures, shifted))
    return Pairs(before, after)


def _stored(kind: str, **how: object) -> Filter:
    def make(one: np.ndarray) -> np.ndarray:
        file = BytesIO()
        Image.fromarray(one).save(file, kind, **how)
        return np.asarray(Image.open(file).convert("RGB"))

    return make


def _resized(factor: float, down: int, up: int) -> Filter:
    size = (round(SIZE / factor), round(SIZE / factor))

    def make(one: np.ndarray) -> np.ndarray:
        return cv2.resize(cv2.resize(one, size, interpolation=down), (SIZE, SIZE), interpolation=up)

    return make


def _pil(factor: float, down: Image.Resampling, up: Image.Resampling) -> Filter:
    size = (round(SIZE / factor), round(SIZE / factor))
    return lambda one: np.asarray(Image.fromarray(one).resize(size, down).resize((SIZE, SIZE), up))


def _colors_blurred(one: np.ndarray) -> np.ndarray:
    planes = cv2.cvtColor(one.astype(np.float32) / 255, cv2.COLOR_RGB2YCrCb)
    planes[..., 1:] = cv2.GaussianBlur(planes, (0, 0), 2.5)[..., 1:]
    return np.rint(255 * np.clip(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), 0, 1))


def _zoomed(one: np.ndarray) -> np.ndarray:
    about = [cv2.getRotationMatrix2D(((SIZE - 1) / 2,) * 2, 0, zoom) for zoom in np.linspace(1, 1.25, 12)]
    return np.mean([cv2.warpAffine(one.astype(np.float32), m, (SIZE, SIZE)) for m in about], axis=0)


MADE: dict[str, Filter] = {
    "median:size=5": lambda one: cv2.medianBlur(one, 5),
    "erode:size=4": lambda one: cv2.erode(one, np.ones((4, 4), np.uint8)),
    "erode:size=3": lambda one: np.asarray(Image.fromarray(one).filter(ImageFilter.MinFilter(3))),
    "webp:quality=35": _stored("WEBP", quality=35),
    "jpeg2000:ratio=14": _stored("JPEG2000", quality_mode="rates", quality_layers=[14]),
    "jpeg:quality=40,subsampling=4:2:2": _stored("JPEG", quality=40, subsampling="4:2:2"),
    "resample:factor=2.5,antialias=false": _resized(2.5, cv2.INTER_LINEAR, cv2.INTER_LINEAR),
    "resample:factor=4,down=nearest_floor": _resized(4, cv2.INTER_NEAREST, cv2.INTER_LINEAR),
    "resample:factor=3,down=area,up=bicubic": _resized(3, cv2.INTER_AREA, cv2.INTER_CUBIC),
    "resample:factor=1.5,down=lanczos": _pil(1.5, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR),
    "resample:factor=2.7,down=box,up=nearest": _pil(2.7, Image.Resampling.BOX, Image.Resampling.NEAREST),
}


@pytest.mark.parametrize("text", MADE)
def test_what_other_code_did_is_found(text: str, pictures: np.ndarray) -> None:
    pairs, true = _pairs(pictures, MADE[text]), parse(text)
    found = estimate_of(pairs, true.family)
    assert {**found.parameters, "factor": None} == {**true.parameters, "factor": None}
    assert getattr(found, "factor", 0) == pytest.approx(getattr(true, "factor", 0), rel=0.02)
    assert min(unexplained(form, pairs) for form in (found, *found.alternatives().values())) < 0.03


@pytest.mark.parametrize(("amount", "sd"), [(0.6, 1.0), (1.5, 2.5)])
def test_an_unsharp_mask_is_found_and_undone(amount: float, sd: float, pictures: np.ndarray) -> None:
    mask = ImageFilter.UnsharpMask(sd, round(100 * amount), 0)
    pairs = _pairs(pictures, lambda one: np.asarray(Image.fromarray(one).filter(mask)))
    found = estimate_of(pairs, "sharpen")
    assert (found.parameters["amount"], found.parameters["sd"]) == pytest.approx((amount, sd), rel=0.06)
    undone = found.undo(pairs.shifted, np.random.default_rng(0))
    assert undone is not None
    assert np.mean((undone - pairs.reference) ** 2) < 0.25 * pairs.change  # what was clipped is lost
    assert FAMILIES["sharpen"].estimate(Pairs(pairs.shifted, pairs.reference)) == []  # a blur is not a negative mask


def test_a_vignette_is_found_and_undone(pictures: np.ndarray) -> None:
    pairs = _pairs(pictures, lambda one: np.rint(one * VIGNETTE[..., None]))
    found = estimate_of(pairs, "illumination")
    field = np.array(found.parameters["field"])
    assert np.abs(field[[0, -1]][:, [0, -1]] - 0.3).max() < 0.01
    assert unexplained(found, pairs) < 1e-3
    undone = found.undo(pairs.shifted, np.random.default_rng(0))
    assert undone is not None
    assert np.abs(undone - pairs.reference).max() < 4 / 255
    even = _pairs(pictures, lambda one: np.rint(0.6 * one))
    assert FAMILIES["illumination"].estimate(even) == []


def test_a_zoom_and_a_blur_of_colours_are_found(pictures: np.ndarray) -> None:
    zoom = estimate_of(_pairs(pictures, _zoomed), "zoom_blur")
    assert zoom.parameters["factor"] == pytest.approx(1.25, abs=0.01)
    pairs = _pairs(pictures, _colors_blurred)
    blur = estimate_of(pairs, "color_blur")
    assert (blur.parameters["sd"], blur.parameters["amount"]) == pytest.approx((2.5, 1.0), rel=0.04)
    assert FAMILIES["color_blur"].estimate(_pairs(pictures, lambda one: cv2.GaussianBlur(one, (0, 0), 2.5))) == []


@pytest.mark.parametrize("family", ["gaussian_noise", "impulse_noise", "speckle_noise"])
@pytest.mark.parametrize("channels", ["independent", "together"])
def test_noise_says_whether_channels_share_it(family: str, channels: str, pictures: np.ndarray) -> None:
    rng = np.random.default_rng(1)

    def noisy(one: np.ndarray) -> np.ndarray:
        shape = one.shape if channels == "independent" else (*one.shape[:2], 1)
        u = rng.random(shape)
        z = 20 * rng.normal(size=shape)
        changed = {
            "gaussian_noise": one + z,
            "impulse_noise": np.where(u < 0.1, 255 * (u < 0.05), one),
            "speckle_noise": one + one * z / 100,
        }
        return np.clip(np.rint(changed[family]), 0, 255)

    assert estimate_of(_pairs(pictures, noisy), family).parameters["channels"] == channels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("median:size=4", "an odd number"),
        ("jpeg:quality=5,subsampling=4:1:1", "4:2:0 or 4:2:2 or 4:4:4"),
        ("illumination:field=[[1,1]]", "at least two rows"),
        ("resample:factor=2,down=lanczos,antialias=false", "always smooths"),
        ("gaussian_noise:sd=1,channels=some", "independent or together"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse(text)
