"""Families with their own estimators: draws with other seeds, other implementations, and other shifts."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalogue import parse, shift
from shiftassay.shifts.estimation.flow import shared_flow
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.blur import MotionBlur
from shiftassay.shifts.families.elastic import Elastic
from shiftassay.shifts.families.occlusion import Occlusion
from shiftassay.shifts.families.overlay import PixelDropout, Stripe
from shiftassay.shifts.families.pattern import FixedPattern
from shiftassay.shifts.families.resolution import Jpeg
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.parameters import Choice, Uniform
from shiftassay.shifts.warp import displace

STRUCTURED = (
    "canny_edges",
    "dotted_line",
    "elastic",
    "fixed_pattern",
    "fog",
    "glass_blur",
    "jpeg",
    "occlusion",
    "phase_scramble",
    "pixel_dropout",
    "pixelate",
    "spatter",
    "stripe",
    "zigzag",
)


@pytest.fixture(scope="module")
def clothes() -> np.ndarray:
    """Pictures of the full range of greys, smooth, with black around them, as photographs of clothes are."""
    rng = np.random.default_rng(7)
    texture = gaussian_filter(rng.standard_normal((200, 1, 28, 28)), (0, 0, 2, 2))
    texture -= texture.min((2, 3), keepdims=True)
    body = gaussian_filter(rng.standard_normal((200, 1, 28, 28)), (0, 0, 4, 4)) > -0.03
    return ((0.2 + 0.8 * texture / texture.max((2, 3), keepdims=True)) * body).astype(np.float32)


@pytest.fixture(scope="module")
def colours(clothes) -> np.ndarray:
    """A hundred colour pictures of 32 × 32."""
    tall = np.pad(clothes, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    return np.concatenate([tall[:100], tall[100:], 1 - tall[:100]], 1)


def made(images: np.ndarray, how: str | Shift, seed: int = 3) -> Pairs:
    """The images beside the shifted ones, which are rounded to 8 bits as files hold them."""
    shifted = shift(ImageSet(images), how, seed).images
    return Pairs(images, (np.rint(shifted * 255) / 255).astype(np.float32))


def estimate(pairs: Pairs, family: str, scope: str | None = None) -> Shift:
    found = [how for how in FAMILIES[family].estimate(pairs) if scope in (None, how.scope)]
    assert found, f"{family} was not found"
    return found[-1]


def unexplained(how: Shift, pairs: Pairs) -> float:
    """The share of the change that making the shift leaves."""
    fixed = how.realize(pairs.reference.shape[1:], np.random.default_rng(0))
    remade = fixed.apply(pairs.reference, np.random.default_rng(0))
    return float(pairs.errors(remade).mean() / pairs.change)


@pytest.mark.parametrize("columns", [(0, 1, 2, 25, 26, 27), (13,), tuple(range(0, 28, 3))])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_striped_columns_are_found(columns, pictures, request):
    images = request.getfixturevalue(pictures)
    images = getattr(images, "images", images)
    assert estimate(made(images, Stripe(columns)), "stripe") == Stripe(columns)


def test_striped_columns_are_found_under_another_contrast(digits):
    striped = shift(digits, Stripe((0, 1, 14))).images
    pairs = Pairs(digits.images, 0.4 * striped + 0.1, contrast=True)
    assert estimate(pairs, "stripe") == Stripe((0, 1, 14))


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.6])
def test_the_share_of_dropped_pixels_is_found(digits, fraction):
    found = estimate(made(digits.images, PixelDropout(fraction)), "pixel_dropout")
    assert isinstance(found, PixelDropout)
    assert found.fraction == pytest.approx(fraction, rel=0.05)


def test_a_share_of_dropped_pixels_that_varies_is_found(digits):
    found = estimate(made(digits.images, PixelDropout(Uniform(0.1, 0.5))), "pixel_dropout")
    assert isinstance(found, PixelDropout)
    assert isinstance(found.fraction, Uniform)
    assert found.fraction.low == pytest.approx(0.1, abs=0.03)
    assert found.fraction.high == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("fill", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("sides", [(8, 9, 10, 6), (12, 8, 5, 12), (6, 6, 16, 16)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_one_rectangle_is_found_exactly(sides, fill, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = made(getattr(images, "images", images), Occlusion(*sides, fill=fill))
    found = estimate(pairs, "occlusion")
    assert isinstance(found, Occlusion)
    assert (found.top, found.left, found.height, found.width) == sides
    assert found.fill == pytest.approx(fill, abs=0.003)
    assert found.scope == "shared"


@pytest.mark.parametrize("fill", [0.0, 0.5, 1.0])
def test_a_rectangle_is_found_whatever_happened_besides(fill, digits, rng):
    covered = Occlusion(8, 9, 10, 6, fill=fill).apply(digits.images, rng)
    noisy = np.clip(covered + rng.normal(0, 0.15, covered.shape), 0, 1).astype(np.float32)
    blurred = Occlusion(8, 9, 10, 6, fill=fill).apply(gaussian_filter(digits.images, (0, 0, 1.2, 1.2)), rng)
    for shifted in (noisy, blurred):
        found = estimate(Pairs(digits.images, shifted), "occlusion")
        assert isinstance(found, Occlusion)
        assert (found.top, found.left, found.height, found.width) == (8, 9, 10, 6)
        assert found.fill == pytest.approx(fill, abs=0.02)


def test_a_black_rectangle_over_black_borders_is_the_smallest_that_explains_the_images(digits):
    pairs = made(digits.images, Occlusion(0, 0, 14, 28))
    found = estimate(pairs, "occlusion")
    ink = digits.images[:, 0, :14].any(0)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert isinstance(found, Occlusion)
    assert (found.top, found.left) == (rows[0], columns[0])
    assert (found.height, found.width) == (14 - rows[0], columns[-1] + 1 - columns[0])
    assert unexplained(found, pairs) == 0


@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_rectangles_of_one_size_are_found_and_followed(digits, fill):
    how = Occlusion(Uniform(0.0, 20.0), Choice((4, 12)), 8, 9, fill, scope="per_image")
    pairs = made(digits.images, how)
    found = estimate(pairs, "occlusion", "per_image")
    assert isinstance(found, Occlusion)
    assert (found.height, found.width) == (8, 9)
    assert found.left == Choice((4, 12))
    assert isinstance(found.top, Uniform)
    assert abs(found.top.low) <= 1
    assert abs(found.top.high - 20) <= 1
    infer_draws = found.infer_draws(pairs)
    assert infer_draws is not None
    assert unexplained(infer_draws, pairs) < 1e-4


def test_rectangles_of_many_sizes_that_hang_over_the_border_are_followed(colours):
    how = Occlusion(
        Uniform(-4.0, 30.0), Uniform(-4.0, 30.0), 10, Uniform(6.0, 12.0), Uniform(0.2, 0.9), scope="per_image"
    )
    pairs = made(colours, how)
    found = estimate(pairs, "occlusion", "per_image")
    assert isinstance(found, Occlusion)
    assert found.height == 10
    assert found.width == Uniform(6.0, 12.0)
    infer_draws = found.infer_draws(pairs)
    assert infer_draws is not None
    assert unexplained(infer_draws, pairs) < 1e-3


@pytest.mark.parametrize("factor", [2, 3, 4, 7])
def test_the_size_of_pixels_is_found(digits, factor):
    shrunk = np.stack([Image.fromarray(i[0]).reduce(factor) for i in digits.images])  # whole and partial blocks alike
    pairs = Pairs(digits.images, shrunk.repeat(factor, 1).repeat(factor, 2)[:, None, :28, :28])
    assert estimate(pairs, "pixelate").parameters == {"factor": factor}


@pytest.mark.parametrize("quality", [5, 20, 60, 90])
@pytest.mark.parametrize("pictures", ["digits", "colours"])
def test_the_quality_of_jpegs_is_found(quality, pictures, request):
    images = request.getfixturevalue(pictures)
    assert estimate(made(getattr(images, "images", images), Jpeg(quality)), "jpeg") == Jpeg(quality)


def test_qualities_that_differ_between_images_are_found_and_followed(digits):
    pairs = made(digits.images, Jpeg(Choice((10, 50)), scope="per_image"))
    found = estimate(pairs, "jpeg", "per_image")
    assert found.parameters == {"quality": {"values": [10.0, 50.0]}}
    infer_draws = found.infer_draws(pairs)
    assert infer_draws is not None
    assert unexplained(infer_draws, pairs) == 0


def test_the_quality_of_a_jpeg_that_others_wrote_is_found(clothes):
    def stored(picture: np.ndarray) -> np.ndarray:
        file = BytesIO()
        Image.fromarray(np.uint8(255 * picture)).save(file, "JPEG", quality=33, optimize=True)
        return np.asarray(Image.open(file)) / np.float32(255)

    pairs = Pairs(clothes, np.stack([stored(picture[0]) for picture in clothes])[:, None])
    assert abs(estimate(pairs, "jpeg").parameters["quality"] - 33) <= 1


@pytest.mark.parametrize("sd", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("clip", [True, False])
def test_a_fixed_pattern_is_found(digits, sd, clip):
    how = FixedPattern(sd, clip=clip).realize((1, 28, 28), np.random.default_rng(5))
    assert isinstance(how, FixedPattern)
    pairs = Pairs(digits.images, how.apply(digits.images, np.random.default_rng(0)))
    found = estimate(pairs, "fixed_pattern")
    assert isinstance(found, FixedPattern)
    assert found.clip is clip
    assert found.sd == pytest.approx(np.std(how.pattern), rel=0.06)  # if clipped, a third of it is not seen at all
    assert unexplained(found, pairs) < 0.03


def test_a_fixed_pattern_is_found_under_noise(digits, rng):
    shifted = np.clip(digits.images + 0.2 * rng.standard_normal((1, 1, 28, 28)), 0, 1)
    noisy = np.clip(shifted + 0.05 * rng.standard_normal(shifted.shape), 0, 1).astype(np.float32)
    found = estimate(Pairs(digits.images, noisy), "fixed_pattern")
    assert isinstance(found, FixedPattern)
    assert found.sd == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("other", ["gaussian_noise:sd=0.3", "offset:amount=0.1", "offset:amount=-0.2"])
def test_fresh_noise_and_one_value_everywhere_are_no_fixed_pattern(digits, other):
    assert not FAMILIES["fixed_pattern"].estimate(made(digits.images, other))


@pytest.mark.parametrize("pictures", ["digits", "clothes", "colours"])
def test_shared_phases_are_found_although_clipping_bends_them(pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = made(getattr(images, "images", images), "phase_scramble")
    found = estimate(pairs, "phase_scramble")
    assert found.scope == "shared"
    assert unexplained(found, pairs) < 0.01


def test_phases_that_are_fresh_for_each_image_are_told_from_a_permutation(digits):
    assert estimate(made(digits.images, "phase_scramble:scope=per_image"), "phase_scramble").scope == "per_image"
    for other in (
        "pixel_permutation:scope=per_image",
        "gaussian_noise:sd=0.5",
        "gaussian_blur:sd=2",
        "roll:dx=13,dy=7",
    ):
        assert not FAMILIES["phase_scramble"].estimate(made(digits.images, other)), other


@pytest.mark.parametrize(("amount", "decay"), [(0.5, 2.5), (1.5, 4.0), (3.0, 1.96)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_fog_is_found(amount, decay, pictures, request):
    images = request.getfixturevalue(pictures)
    found = estimate(made(getattr(images, "images", images), f"fog:amount={amount},decay={decay}"), "fog").parameters
    assert found["amount"] == pytest.approx(amount, rel=0.02)
    assert found["decay"] == pytest.approx(decay, rel=0.06 if decay < 3 else 0.15)  # rounding hides what is smooth


@pytest.mark.parametrize("severity", [1, 3, 4])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_published_mud_is_found(severity, pictures, request):
    images = request.getfixturevalue(pictures)
    how = parse(f"mnist_c:spatter:severity={severity}")
    found = estimate(made(getattr(images, "images", images), how, seed=8), "spatter")
    for name, value in how.parameters.items():
        assert found.parameters[name] == pytest.approx(value, rel=0.25), name  # of 200 images with a few drops each
    assert found.parameters["shade"] == pytest.approx(63 / 255, rel=0.01)


def test_other_mud_is_found(clothes):
    found = estimate(made(clothes, "spatter:coverage=0.3,size=1.5,softness=0.3,shade=0.8"), "spatter").parameters
    assert found["shade"] == pytest.approx(0.8, rel=0.01)
    assert found["coverage"] == pytest.approx(0.3, rel=0.1)
    assert found["size"] == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize(("width", "dash"), [(2.3, 2), (4.0, 3), (1.5, 1)])
@pytest.mark.parametrize("pictures", ["digits", "clothes", "colours"])
def test_a_dotted_line_is_found(width, dash, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = made(getattr(images, "images", images), f"dotted_line:width={width},dash={dash}")
    found = estimate(pairs, "dotted_line").parameters
    assert found["dash"] == dash
    assert found["width"] == pytest.approx(width, rel=0.03)


@pytest.mark.parametrize(("step", "height", "width"), [(2.0, 2.0, 2.3), (3.0, 1.0, 1.5), (4.0, 3.0, 3.0)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_a_zigzag_is_found(step, height, width, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = made(getattr(images, "images", images), f"zigzag:step={step},height={height},width={width}")
    found = estimate(pairs, "zigzag").parameters
    assert found["step"] == pytest.approx(step, rel=0.03)
    assert found["height"] == pytest.approx(height, rel=0.05)
    assert found["width"] == pytest.approx(width, rel=0.05)


def test_a_dotted_line_and_a_zigzag_are_told_apart(digits):
    assert not FAMILIES["zigzag"].estimate(made(digits.images, "dotted_line"))
    assert not FAMILIES["dotted_line"].estimate(made(digits.images, "zigzag"))


@pytest.mark.parametrize(("sd", "low", "high"), [(1.0, 0.1, 0.2), (0.7, 0.5, 1.0), (1.6, 0.3, 0.8)])
def test_edges_are_found(clothes, sd, low, high):
    pairs = made(clothes, f"canny_edges:sd={sd},low={low},high={high}")
    found = estimate(pairs, "canny_edges").parameters
    assert found["sd"] == pytest.approx(sd, rel=0.05)
    assert found["low"] == pytest.approx(low, rel=0.05)
    assert found["high"] == pytest.approx(high, rel=0.05)


def test_thresholds_of_edges_that_cannot_be_told_are_the_usual_ones(digits):
    pairs = made(digits.images[:50], "canny_edges:sd=1,low=0.12,high=0.25")
    found = estimate(pairs, "canny_edges")
    assert unexplained(found, pairs) < 1e-3
    assert found.parameters["low"] == 0.1


@pytest.mark.parametrize(("sd", "reach", "rounds"), [(0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)])
def test_frosted_glass_is_found(digits, sd, reach, rounds):
    found = estimate(made(digits.images, f"glass_blur:sd={sd},reach={reach},rounds={rounds}", 8), "glass_blur")
    assert found.parameters["sd"] == pytest.approx(sd, rel=0.05)
    assert (found.parameters["reach"], found.parameters["rounds"]) == (reach, rounds)


def test_a_plain_blur_and_a_move_are_no_frosted_glass(digits):
    for other in ("gaussian_blur:sd=1.5", "translate:dx=-3|3,dy=0,scope=per_image", "gaussian_noise:sd=0.2"):
        assert not FAMILIES["glass_blur"].estimate(made(digits.images, other)), other


@pytest.mark.parametrize(("amplitude", "smoothness"), [(1.0, 4.0), (1.5, 3.0), (3.0, 6.0)])
def test_one_field_for_all_images_is_found(digits, amplitude, smoothness):
    how = Elastic(amplitude, smoothness).realize((1, 28, 28), np.random.default_rng(3))
    pairs = made(digits.images, how)
    found = estimate(pairs, "elastic")
    assert isinstance(found, Elastic)
    assert found.scope == "shared"
    assert unexplained(found, pairs) < 0.01
    told = shared_flow(pairs)[1]
    seen = told > 0.05 * told.mean()
    found_field, field = (np.reshape(e.field, (2, 28, 28)) for e in (found, how))
    assert np.sqrt(np.mean((found_field - field)[:, seen] ** 2)) < 0.2
    assert found.amplitude == pytest.approx(np.sqrt(np.mean(field[:, seen] ** 2)), rel=0.05)


def test_a_field_that_others_apply_is_found(digits, rng):
    field = 1.5 * gaussian_filter(rng.standard_normal((2, 28, 28)), (0, 4, 4), mode="wrap") * (2 * np.sqrt(np.pi) * 4)
    y, x = np.mgrid[:28, :28]
    bent = np.stack([map_coordinates(i[0], [y + field[1], x + field[0]], order=3) for i in digits.images])[:, None]
    pairs = Pairs(digits.images, np.clip(bent, 0, 1).astype(np.float32))
    assert unexplained(estimate(pairs, "elastic"), pairs) < 0.1  # cubic there, bilinear here


@pytest.mark.parametrize(("amplitude", "smoothness"), [(0.6, 2.0), (1.0, 4.0), (1.5, 3.0)])
def test_how_fields_that_are_fresh_for_each_image_were_drawn_is_found(digits, amplitude, smoothness):
    found = estimate(made(digits.images, Elastic(amplitude, smoothness, scope="per_image"), 8), "elastic", "per_image")
    assert isinstance(found, Elastic)
    assert found.amplitude == pytest.approx(amplitude, rel=0.08)
    assert found.smoothness == pytest.approx(smoothness, rel=0.15)


def fading(pairs):
    return [how for how in MotionBlur.estimate(pairs) if how.fading is not None]


@pytest.mark.parametrize(("length", "angle", "sd"), [(21, 30, 3.0), (31, 300, 8.0), (6, 80, 6.0)])
def test_a_fading_motion_blur_is_found(digits, length, angle, sd):
    pairs = made(digits.images, f"motion_blur:length={length},angle={angle},fading={sd}")
    found = fading(pairs)[0]
    assert found.angle == pytest.approx(angle, abs=1)
    assert found.fading == pytest.approx(sd, rel=0.05)
    assert found.length >= min(length, 3 * sd)  # beyond, nothing of a tail is left to be seen
    assert unexplained(found, pairs) < 1e-3


def test_the_published_motion_blur_is_found_and_followed(digits):
    pairs = made(digits.images, "mnist_c:motion_blur")
    found = fading(pairs)[-1]
    assert found.scope == "per_image"
    assert found.fading == pytest.approx(3, rel=0.05)
    assert isinstance(found.angle, Uniform)
    assert found.angle.low == pytest.approx(135, abs=12)  # of 32 angles
    assert found.angle.high == pytest.approx(225, abs=12)
    infer_draws = found.infer_draws(pairs)
    assert infer_draws is not None
    assert unexplained(infer_draws, pairs) < 0.01


@pytest.mark.parametrize("family", STRUCTURED)
@pytest.mark.filterwarnings("error")
def test_nothing_is_raised_and_nothing_odd_is_made_of_odd_pairs(family, digits, rng):
    x = digits.images[:40]
    odd = {
        "nothing changed": (x, x),
        "all black": (x * 0, x * 0),
        "made black": (x, x * 0),
        "black before": (x * 0, x),
        "other units": (x, x * 255),
        "normalised": (x, (x - 0.13) / 0.31),
        "one": (x[:1], x[1:2]),
        "strangers": (x, x[::-1]),
        "noise": (x, rng.random(x.shape)),
        "one pixel": (rng.random((40, 1, 1, 1)), rng.random((40, 1, 1, 1))),
        "four pixels": (rng.random((40, 1, 2, 2)), rng.random((40, 1, 2, 2))),
        "flat": (rng.random((40, 3, 8, 20)), rng.random((40, 3, 8, 20))),
        "five channels": (rng.random((20, 5, 12, 12)), rng.random((20, 5, 12, 12))),
    }
    for name, (reference, shifted) in odd.items():
        pairs = Pairs(reference.astype(np.float32), shifted.astype(np.float32))
        for found in FAMILIES[family].estimate(pairs):
            fixed = found.realize(pairs.reference.shape[1:], np.random.default_rng(0))
            assert np.isfinite(fixed.apply(pairs.reference, np.random.default_rng(0))).all(), name


OTHERS = (
    "gaussian_blur:sd=1.5",
    "gaussian_noise:sd=0.3",
    "invert",
    "translate:dx=-3|3,dy=-2|2,scope=per_image",
    "pixel_permutation:scope=per_image",
)


@pytest.mark.parametrize("family", sorted({*STRUCTURED} - {"pixelate"}))
@pytest.mark.parametrize("other", OTHERS)
def test_other_shifts_are_not_explained(family, other, digits):
    pairs = made(digits.images, other)
    for found in FAMILIES[family].estimate(pairs):
        assert unexplained(found, pairs) > 0.1, found


def test_a_mask_or_a_smooth_glow_is_no_fixed_pattern(digits):
    y, x = np.mgrid[:28, :28] - 13.5
    masked = digits.images * (np.arange(28) % 3 > 0)[:, None].astype(np.float32)
    glow = np.clip(digits.images + 0.4 * np.exp(-np.hypot(y, x) / 9).astype(np.float32), 0, 1)
    for shifted in (masked, glow):
        assert FixedPattern.estimate(Pairs(digits.images, shifted)) == []


@pytest.mark.parametrize("rule", ["lens", "wave"])
def test_a_warp_by_a_rule_is_no_elastic_draw(digits, rule):
    y, x = np.mgrid[:28, :28] - 13.5
    square = (x**2 + y**2) / 14**2
    fields = {
        "lens": (0.35 * x * (square - 0.3), 0.35 * y * (square - 0.3)),
        "wave": (np.sin(2 * np.pi * y / 14), 0 * x),
    }
    shifted = displace(digits.images, np.stack(fields[rule])[None].astype(np.float32))
    assert Elastic.estimate(Pairs(digits.images, shifted)) == []


def test_a_shared_elastic_draw_is_found(digits):
    truth = Elastic(1.0, 4.0).realize((1, 28, 28), np.random.default_rng(4))
    (found,) = Elastic.estimate(Pairs(digits.images, truth.apply(digits.images, np.random.default_rng(0))))
    assert isinstance(found, Elastic)
    assert (found.scope, found.field is None) == ("shared", False)
    assert found.amplitude == pytest.approx(1.0, rel=0.35)


def test_no_fog_is_looked_for_on_pictures_too_dark_to_show_it(digits):
    dark = digits.images * np.float32(0.04)
    assert FAMILIES["fog"].estimate(Pairs(dark, dark * np.float32(0.5))) == []
