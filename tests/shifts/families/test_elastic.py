import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates
from tests.shifts.estimates import estimate_of, shifted_pairs, unexplained

from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make
from shiftassay.shifts.estimation.flow import shared_flow
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.elastic import Elastic
from shiftassay.shifts.warp import displace, grid


@pytest.mark.parametrize("smoothness", [0.0, 1.0, 3.0, 8.0])
def test_the_amplitude_of_an_elastic_shift_is_the_sd_of_its_displacement(smoothness, rng):
    shift = make("elastic", {"amplitude": 1.5, "smoothness": smoothness})
    fields = [shift.realize((1, 28, 28), own).field for own in rng.spawn(300)]
    assert np.sqrt(np.mean(np.square(fields))) == pytest.approx(1.5, rel=0.06)


def test_an_elastic_field_says_where_each_pixel_is_fetched(digits, rng):
    shift = make("elastic", {"amplitude": 2.0}).realize(digits.shape, rng)
    places = grid(28, 28) + np.reshape(shift.field, (2, 28, 28)) + 13.5
    expected = map_coordinates(digits.images[0, 0], places[::-1], order=1, mode="grid-constant")
    assert np.abs(catalog.shift(digits, shift).images[0, 0] - expected).max() < 1e-4


def test_an_elastic_shift_is_nearly_undone(digits):
    for scope in ("shared", "per_image"):
        shift = make("elastic", {"amplitude": 1.0, "smoothness": 4.0}, scope)
        shifted = shift.apply(digits.images, np.random.default_rng(5))
        undone = shift.undo(shifted, np.random.default_rng(5))
        assert np.abs(undone - digits.images).mean() < 0.4 * np.abs(shifted - digits.images).mean()


@pytest.mark.parametrize(("amplitude", "smoothness"), [(1.0, 4.0), (1.5, 3.0), (3.0, 6.0)])
def test_one_field_for_all_images_is_found(digits, amplitude, smoothness):
    shift = Elastic(amplitude, smoothness).realize((1, 28, 28), np.random.default_rng(3))
    pairs = shifted_pairs(digits.images, shift)
    estimate = estimate_of(pairs, "elastic")
    assert isinstance(estimate, Elastic)
    assert estimate.scope == "shared"
    assert unexplained(estimate, pairs) < 0.01
    information = shared_flow(pairs)[1]
    informative = information > 0.05 * information.mean()
    estimated_field, field = (np.reshape(e.field, (2, 28, 28)) for e in (estimate, shift))
    assert np.sqrt(np.mean((estimated_field - field)[:, informative] ** 2)) < 0.2
    assert estimate.amplitude == pytest.approx(np.sqrt(np.mean(field[:, informative] ** 2)), rel=0.05)


def test_a_field_that_others_apply_is_found(digits, rng):
    field = 1.5 * gaussian_filter(rng.standard_normal((2, 28, 28)), (0, 4, 4), mode="wrap") * (2 * np.sqrt(np.pi) * 4)
    y, x = np.mgrid[:28, :28]
    bent = np.stack([map_coordinates(i[0], [y + field[1], x + field[0]], order=3) for i in digits.images])[:, None]
    pairs = Pairs(digits.images, np.clip(bent, 0, 1).astype(np.float32))
    assert unexplained(estimate_of(pairs, "elastic"), pairs) < 0.1  # cubic there, bilinear here


@pytest.mark.parametrize(("amplitude", "smoothness"), [(0.6, 2.0), (1.0, 4.0), (1.5, 3.0)])
def test_how_fields_that_are_fresh_for_each_image_were_drawn_is_found(digits, amplitude, smoothness):
    pairs = shifted_pairs(digits.images, Elastic(amplitude, smoothness, scope="per_image"), 8)
    estimate = estimate_of(pairs, "elastic", "per_image")
    assert isinstance(estimate, Elastic)
    assert estimate.amplitude == pytest.approx(amplitude, rel=0.08)
    assert estimate.smoothness == pytest.approx(smoothness, rel=0.15)


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
    (estimate,) = Elastic.estimate(Pairs(digits.images, truth.apply(digits.images, np.random.default_rng(0))))
    assert isinstance(estimate, Elastic)
    assert (estimate.scope, estimate.field is None) == ("shared", False)
    assert estimate.amplitude == pytest.approx(1.0, rel=0.35)
