"""Reading both sets from files: labels, units, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from shiftassay.diagnosis.given import read_pair
from shiftassay.imagesets.embedded import embedded_mnist


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    images = embedded_mnist("test")[0][:60]
    np.save(tmp_path / "a.npy", images)
    np.save(tmp_path / "b.npy", (255.0 - images))
    return tmp_path / "a.npy", tmp_path / "b.npy"


@pytest.mark.parametrize("none", ["none", Path("none")])
def test_without_labels_none_are_found(pair: tuple[Path, Path], none: str | Path) -> None:
    before, after = read_pair(*pair, labels=[none])
    assert before.labels is None
    assert after.labels is None
    before, after = read_pair(*pair)
    assert before.labels is not None


def test_the_shifted_set_is_read_in_the_unit_of_the_reference(pair: tuple[Path, Path]) -> None:
    before, after = read_pair(*pair)
    np.testing.assert_allclose(after.images, 1 - before.images, atol=1e-6)


def test_digits_of_0_to_16_keep_their_unit(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 17, (60, 8, 8)).astype(float)
    for kind in ("f8", "i8"):
        np.save(tmp_path / "a.npy", images.astype(kind))
        np.save(tmp_path / "b.npy", 16 - images)
        before, after = read_pair(tmp_path / "a.npy", tmp_path / "b.npy")
        assert before.unit == after.unit == 16
        np.testing.assert_allclose(after.images, 1 - before.images)
        assert any("white is 16" in note for note in before.notes)
