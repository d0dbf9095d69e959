import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make, parse

BLACK = ImageSet(np.zeros((500, 1, 28, 28), np.float32))


@pytest.mark.parametrize(("coverage", "size"), [(0.05, 4.0), (0.3, 2.0), (0.6, 1.0)])
def test_hard_drops_cover_their_share(coverage, size):
    drops = catalog.shift(
        BLACK, make("spatter", {"coverage": coverage, "size": size, "softness": 0.0, "shade": 1.0})
    ).images
    inside = drops[:, :, 8:-8, 8:-8]  # noise is stronger at the borders, which are repeated outwards
    assert inside.mean() == pytest.approx(coverage, rel=0.2)


@pytest.mark.parametrize("severity", [1, 3, 4])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_published_mud_is_found(severity, pictures, request):
    images = request.getfixturevalue(pictures)
    shift = parse(f"mnist_c:spatter:severity={severity}")
    estimate = estimate_of(shifted_pairs(getattr(images, "images", images), shift, seed=8), "spatter")
    for name, value in shift.parameters.items():
        assert estimate.parameters[name] == pytest.approx(value, rel=0.25), name  # of 200 images with a few drops each
    assert estimate.parameters["shade"] == pytest.approx(63 / 255, rel=0.01)


def test_other_mud_is_found(clothes):
    estimate = estimate_of(
        shifted_pairs(clothes, "spatter:coverage=0.3,size=1.5,softness=0.3,shade=0.8"), "spatter"
    ).parameters
    assert estimate["shade"] == pytest.approx(0.8, rel=0.01)
    assert estimate["coverage"] == pytest.approx(0.3, rel=0.1)
    assert estimate["size"] == pytest.approx(1.5, rel=0.1)
