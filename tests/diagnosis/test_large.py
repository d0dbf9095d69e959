"""Photographs of 224 × 224 in colour: named in bounded time and memory."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift

cv2 = pytest.importorskip("cv2")
data = pytest.importorskip("skimage.data")
SIZE, COUNT = 224, 12
MOST_MIB = 2048


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    """Crops of photographs, bytes (n, c, h, w)."""
    rng = np.random.default_rng(0)
    crops = []
    for i in range(COUNT):
        whole = (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())[i % 4]
        top, left = (int(rng.integers(0, side - SIZE)) for side in whole.shape[:2])
        crops.append(whole[top : top + SIZE, left : left + SIZE].transpose(2, 0, 1))
    return np.ascontiguousarray(np.stack(crops))


def by_opencv(images: np.ndarray, map_: np.ndarray, flags: int = cv2.INTER_LINEAR) -> np.ndarray:
    turned = [cv2.warpAffine(image.transpose(1, 2, 0), map_, (SIZE, SIZE), flags=flags) for image in images]
    return np.ascontiguousarray(np.stack(turned).transpose(0, 3, 1, 2))


MIDDLE = (SIZE - 1) / 2


@pytest.mark.parametrize(
    ("family", "parameters", "make"),
    [
        pytest.param(
            "rotate",
            {"angle": 20.0},
            lambda x: by_opencv(x, cv2.getRotationMatrix2D((MIDDLE, MIDDLE), 20, 1)),
            marks=pytest.mark.torture,
        ),
        pytest.param(
            "scale",
            {"factor": 0.8},
            lambda x: by_opencv(x, cv2.getRotationMatrix2D((MIDDLE, MIDDLE), 0, 0.8)),
            marks=pytest.mark.torture,
        ),
        pytest.param(
            "translate",
            {"dx": 40.25, "dy": -31.5},
            lambda x: by_opencv(x, np.float32([[1, 0, 40.25], [0, 1, -31.5]])),
            marks=pytest.mark.torture,
        ),
        pytest.param(
            "gaussian_blur",
            {"sd": 2.0},
            lambda x: np.rint(gaussian_filter(x.astype(float), (0, 0, 2, 2))).astype("u1"),
            marks=pytest.mark.torture,
        ),
        ("channel_order", {"order": [2, 1, 0]}, lambda x: x[:, ::-1]),
        pytest.param("invert", {}, lambda x: 255 - x, marks=pytest.mark.torture),
        pytest.param("rotate", {"angle": 90.0}, lambda x: np.rot90(x, 1, (2, 3)), marks=pytest.mark.torture),
    ],
)
def test_shifts_of_photographs_are_named(photographs, family, parameters, make):
    verdict = diagnose(photographs, np.ascontiguousarray(make(photographs))).verdict
    assert (verdict.family, verdict.scope) == (family, "shared")
    for name, value in parameters.items():
        assert verdict.parameters[name] == pytest.approx(value, rel=0.01, abs=0.05)


@pytest.mark.torture
def test_all_pixels_in_another_order_are_put_back(photographs):
    images = ImageSet(photographs.astype(np.float32) / 255)
    shuffled = shift(images, "pixel_permutation", seed=3)
    verdict = diagnose(images, shuffled).verdict
    assert (verdict.family, verdict.scope) == ("pixel_permutation", "shared")
    assert np.allclose(verdict.shift.undo(shuffled.images, np.random.default_rng(0)), images.images, atol=1 / 255)


@pytest.mark.torture
def test_a_diagnosis_of_photographs_stays_within_its_memory(tmp_path):
    # The most memory of the process itself: what getrusage gives counts that of the process that started it.
    code = f"""
from pathlib import Path
import numpy as np
from shiftassay.diagnosis.diagnose import diagnose
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (100, 3, {SIZE}, {SIZE}), np.uint8)
assert diagnose(images, images[:, ::-1]).verdict.family == "channel_order"
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < MOST_MIB
