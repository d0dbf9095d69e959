"""Datasets of PyTorch and Hugging Face, and lists of pictures, taken as image sets."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from shiftassay.errors import BadInput
from shiftassay.imagesets.items import image_set
from shiftassay.imagesets.picture_rows import Limits

BYTES = np.random.default_rng(0).integers(0, 256, (6, 5, 7, 3), np.uint8)
WANTED = BYTES.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


class Digits(TorchDataset):
    """Items as torchvision gives them: (image, number of the class)."""

    classes = ("zero", "one", "two")

    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return len(BYTES)

    def __getitem__(self, place):
        return self.transform(BYTES[place]), place % 3


def to_tensor(pixels):
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


TRANSFORMS = {
    "pillow": Image.fromarray,
    "float tensor": to_tensor,
    "uint8 tensor": lambda pixels: torch.from_numpy(pixels.copy()).permute(2, 0, 1),
    "channels last tensor": lambda pixels: torch.from_numpy(pixels.copy()),
    "array": lambda pixels: pixels,
    "channels first array": lambda pixels: pixels.transpose(2, 0, 1),
    "float array": lambda pixels: pixels / 255,
    "deep": lambda pixels: pixels.astype(np.uint16) * 257,
}


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_items_of_every_kind_make_the_same_images(kind):
    made = image_set(Digits(TRANSFORMS[kind]), "test")
    assert np.abs(made.images - WANTED).max() < 1e-6
    assert made.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert made.classes == Digits.classes
    assert made.integer == (
        kind in ("pillow", "uint8 tensor", "channels last tensor", "array", "deep", "channels first array")
    )
    assert "6 items, read as 6 images of 5 × 7 × 3" in made.notes[0]


def test_tensors_alone_and_grey_ones_are_sets():
    grey = torch.from_numpy(BYTES[..., 0].copy())
    for source in (TensorDataset(grey), grey, list(grey), [(one, torch.tensor(-1)) for one in grey]):
        made = image_set(source)
        assert np.array_equal(made.images, WANTED[:, :1])
        assert made.labels is None
    labeled = image_set(TensorDataset(grey, torch.arange(6)))
    assert labeled.labels.tolist() == list(range(6))


def test_grey_pictures_beside_colour_are_taken_as_colour():
    mixed = [Image.fromarray(BYTES[0, ..., 0]), Image.fromarray(BYTES[1]), Image.fromarray(BYTES[2, ..., 0])]
    made = image_set(mixed)
    assert made.images.shape == (3, 3, 5, 7)
    assert np.array_equal(made.images[0], np.repeat(WANTED[0, :1], 3, 0))
    assert np.array_equal(made.images[1], WANTED[1])
    assert np.array_equal(made.images[2, 2], WANTED[2, 0])


def test_palettes_and_bits_are_read_as_pictures_are():
    palette = Image.fromarray(BYTES[0]).convert("P")
    assert np.array_equal(
        image_set([palette]).images[0], np.asarray(palette.convert("RGB")).transpose(2, 0, 1) / np.float32(255)
    )
    bits = Image.fromarray(BYTES[0, ..., 0]).convert("1")
    assert set(np.unique(image_set([bits]).images)) == {0.0, 1.0}


class Stream(IterableDataset):
    def __iter__(self):
        return iter(Digits(to_tensor))


def normalized(pixels):
    return (to_tensor(pixels) - 0.45) / 0.225


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Digits(normalized), "take Normalize out of the dataset's transform"),
        (Digits(lambda pixels: to_tensor(pixels) * 255), "Divide them by what is white"),
        (Digits(lambda pixels: to_tensor(pixels) * float("nan")), "NaN or infinity"),
        (DataLoader(Digits(to_tensor)), "loader.dataset"),
        (Stream(), "itertools.islice"),
        ({"train": Digits(to_tensor)}, r"data\['test'\]"),
        ("mnist", "read_image_set"),
        ([], "no images"),
        ([BYTES[0], BYTES[1, :4]], "several sizes, 5 × 7 and 4 × 7"),
        ([BYTES[0], BYTES[1] / 255], "Give one type"),
        ([BYTES[0].astype(np.int64)], "whose white nothing says"),
        ([(BYTES[0], 1, 2)], "has 3 parts"),
        ([("a.png", 1)], "holds a str where an image should be"),
        ([(BYTES[0], [0.0, 1.0])], "is no label"),
        ([np.zeros((5, 7, 2), np.uint8)], "1, 3 or 4 channels"),
        ([{"x": BYTES[0]}], "none of which is known as an image"),
        (np.zeros((3, 8, 8, 3), np.float32), "channels last"),
    ],
)
def test_what_makes_no_set_is_refused_with_what_to_do(source, message):
    with pytest.raises(BadInput, match=message):
        image_set(source, "shifted")


def test_of_many_items_the_same_sample_is_drawn_of_both_sets(monkeypatch):
    monkeypatch.setattr("shiftassay.imagesets.items.EVERYTHING", Limits(pictures=4))
    first, second = image_set(Digits(to_tensor)), image_set(Digits(TRANSFORMS["array"]))
    assert len(first) == 4
    assert np.abs(first.images - second.images).max() < 1e-6
    assert np.array_equal(first.labels, second.labels)
    assert "sample drawn at random, of at most 4" in first.notes[1]


def test_a_hugging_face_dataset_is_a_set():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"id": datasets.Value("int64"), "img": datasets.Image(), "kind": datasets.ClassLabel(names=["cat", "dog"])}
    )
    rows = {"id": list(range(6)), "img": [Image.fromarray(one) for one in BYTES], "kind": [0, 1, 0, 1, 0, 1]}
    data = datasets.Dataset.from_dict(rows, features=features)
    for source in (data, data.with_format("torch"), data.with_format("numpy")):
        made = image_set(source, "animals")
        assert np.abs(made.images - WANTED).max() < 1e-6
        assert made.labels.tolist() == rows["kind"]
        assert made.classes == ("cat", "dog")
    with pytest.raises(BadInput, match="several sets, train"):
        image_set(datasets.DatasetDict({"train": data}))
    with pytest.raises(BadInput, match="Give an array, a dataset"):
        image_set(data.to_iterable_dataset())
