"""The MNIST in the package is MNIST, and damage to it is noticed."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets import embedded


def test_it_is_mnist() -> None:
    for part, n, first, counts in (
        ("train", 60_000, 5, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("test", 10_000, 7, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
    ):
        images, labels = embedded.embedded_mnist(part)
        assert images.shape == (n, 28, 28)
        assert labels[0] == first
        assert np.bincount(labels).tolist() == counts
        assert not images.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "can't be read"), (b"\x1f\x8b", "can't be read"), (gzip.compress(bytes(20), mtime=0), "damaged")],
)
def test_damage_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    folder = tmp_path / "imagesets" / "mnist"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "t10k-images-idx3-ubyte.gz").write_bytes(content)
    monkeypatch.setattr(embedded, "files", lambda _: tmp_path)
    with pytest.raises(BadInput, match=f"{message}.*Install shiftassay again"):
        embedded.embedded_mnist.__wrapped__("test")
