"""Image sets from datasets of PyTorch and Hugging Face, lists of pictures, and arrays."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64
from PIL import Image

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.layout import size_of
from shiftassay.imagesets.limits import FLOAT
from shiftassay.imagesets.picture import WHITE_OF_BYTES, WHITE_OF_DEEP, as_plain
from shiftassay.imagesets.picture_rows import EVERYTHING, Limits
from shiftassay.imagesets.values import to_unit
from shiftassay.random_stream import seed_for
from shiftassay.words.lists import plural
from shiftassay.words.numbers import in_bytes

CHANNELS = (1, 3, 4)
MOST_CHANNELS = max(CHANNELS)
WHITE = {"uint8": WHITE_OF_BYTES, "uint16": WHITE_OF_DEEP, "bool": 1.0}
OVERSHOOT = 1e-3  # beyond black and white: what interpolation and rounding do
IMAGE_NAMES = ("image", "img", "pixel_values", "images", "picture")
LABEL_NAMES = ("label", "labels", "fine_label", "class", "target")


@runtime_checkable
class Items(Protocol):
    """Anything with a length and items: a PyTorch or Hugging Face dataset, a list.

    An item is (image, label), a mapping with an image and a label, or an image alone.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Any: ...


ImageSource = ImageSet | np.ndarray | Items
"""What the Python API takes as a set: see `image_set`."""


def image_set(source: Any, name: str = "images", beside: ImageSet | None = None) -> ImageSet:
    """An image set from an array, a dataset of PyTorch or Hugging Face, or a list of pictures.

    `source` is an `ImageSource`. Arrays are `(n, h, w)` or `(n, c, h, w)`, in the unit that their type and range tell,
    or in that of the set `beside`. Items of a dataset are (image, label), or mappings that hold both under their usual
    names, or images alone. An image is a Pillow image, which becomes grey or RGB; a tensor `(c, h, w)` or `(h, w)`; or
    an array `(h, w, c)` or `(h, w)`. Where only the other order of axes leaves 1, 3 or 4 channels, that is taken.
    Colour is RGB. uint8, uint16 and bool are divided by their maximum, floats are from black 0 to white 1. Of more than
    50,000 images, or a gibibyte of them, a sample is drawn, the same of sets of one length and size. Labels that are
    all −1 are none.

    Raises `BadInput` for what has no length, for images of several sizes, and for floats outside of [0, 1], which a
    normalization leaves: give the dataset without it.

    >>> image_set([(Image.new("L", (4, 3), 255), 7), (np.zeros((3, 4), np.uint8), 2)]).labels.tolist()
    [7, 2]
    """
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source, name, beside)
    return _from_items(source, name, EVERYTHING)


def _from_array(images: np.ndarray, name: str, beside: ImageSet | None) -> ImageSet:
    if images.ndim not in (3, 4):
        raise BadInput(f"{name}: expected images (n, h, w) or (n, c, h, w), found an array of shape {images.shape}.")
    if images.ndim == 4 and images.shape[1] > MOST_CHANNELS >= images.shape[3]:
        raise BadInput(
            f"{name}: an array of shape {images.shape} seems to have its channels last. "
            "Give images.transpose(0, 3, 1, 2)."
        )
    if not images.size:
        raise BadInput(f"{name}: no images in it. Give at least one.")
    values, unit, note = to_unit(images if images.ndim == 4 else images[:, None], name, beside)
    return ImageSet(np.ascontiguousarray(values), None, name, unit, images.dtype.kind in "bui", (f"{name}: {note}.",))


@dataclass(frozen=True)
class _Item:
    """One picture `(c, h, w)` in its own type, its label, and how its axes were."""

    pixels: np.ndarray
    label: Any
    axes: str


def _from_items(source: Any, name: str, limits: Limits) -> ImageSet:
    count = _length(source, name)
    columns = _columns(source, name)
    first = _item(source[0], 0, name, columns)
    white = _white(first.pixels, name)
    most = min(limits.pictures, max(1, limits.bytes // (FLOAT * first.pixels.size)))
    order = np.random.default_rng(seed_for(0, "pictures")).permutation(count)
    places = np.sort(order[:most])
    images = np.empty((len(places), 1, *first.pixels.shape[1:]), np.float32)
    labels, axes = [], Counter[str]()
    for row, place in enumerate(places.tolist()):
        item = _item(source[place], place, name, columns)
        _check(item.pixels, first.pixels, place, name)
        if len(item.pixels) > images.shape[1]:  # grey ones came first
            images = np.repeat(images, len(item.pixels), axis=1)
        images[row] = item.pixels.astype(np.float32) / np.float32(white)
        labels.append(item.label)
        axes[item.axes] += 1
    if first.pixels.dtype.kind == "f":
        _check_range(images, name)
    known = _labels(labels, name)
    kinds, size = " and ".join(axes), size_of((images.shape[1], *images.shape[2:]))
    notes = [f"{plural(count, 'item')}, read as {plural(len(images), 'image')} of {size}: {kinds}"]
    if len(places) < count:
        notes.append(f"a sample drawn at random, of at most {limits.pictures:,} and {in_bytes(limits.bytes)}")
    result = ImageSet(
        images, known, name, white, first.pixels.dtype.kind != "f", tuple(f"{name}: {note}." for note in notes)
    )
    classes = None if known is None else _classes(source, columns)
    fits = classes is not None and known is not None and len(known) and known.max() < len(classes)
    return replace(result, classes=classes) if fits else result


def _length(source: Any, name: str) -> int:
    if hasattr(source, "dataset") and hasattr(source, "batch_size"):
        raise BadInput(f"{name}: a DataLoader gives batches. Give its dataset: loader.dataset.")
    if isinstance(source, str | PathLike):
        raise BadInput(
            f"{name}: {str(source)!r:.80} is a name. Read it: shiftassay.read_image_set({str(source)!r:.80})."
        )
    if isinstance(source, Mapping):
        raise BadInput(
            f"{name}: it holds several sets, {', '.join(map(str, source))}. Give one of them, as in data['test']."
        )
    if not isinstance(source, Items):
        raise BadInput(
            f"{name}: a {type(source).__name__} has no length or no items by number, so it is no set. Give an array, a "
            "dataset whose items have numbers, or a list: list(itertools.islice(stream, 1000))."
        )
    try:
        count = len(source)
    except TypeError:
        raise BadInput(f"{name}: a {type(source).__name__} without a length. Give a list of its first items.") from None
    if not count:
        raise BadInput(f"{name}: no images in it. Give at least one.")
    return count


Columns = tuple[str, str | None]
"""The keys of an item's image and label."""


def _columns(source: Any, name: str) -> Columns | None:
    """The keys of images and labels, where items are mappings.

    Hugging Face's features tell by their types; else the names do.
    """
    item = source[0]
    if not isinstance(item, Mapping):
        return None
    features = getattr(source, "features", None)
    typed = features if isinstance(features, Mapping) else {}
    kinds = {key: type(feature).__name__ for key, feature in typed.items()}
    image = _one_of([key for key, kind in kinds.items() if kind == "Image"], IMAGE_NAMES, list(item))
    label = _one_of([key for key, kind in kinds.items() if kind == "ClassLabel"], LABEL_NAMES, list(item))
    if image is None:
        raise BadInput(
            f"{name}: its items have {', '.join(map(str, item))}, none of which is known as an image. Rename it: "
            "dataset.rename_column(…, 'image')."
        )
    return image, label


def _one_of(typed: Sequence[str], names: Sequence[str], there: Sequence[str]) -> str | None:
    """The one key of a type; else the first of the usual names that is there."""
    if len(typed) == 1:
        return typed[0]
    return next((name for name in names if name in (typed or there)), typed[0] if typed else None)


def _item(item: Any, place: int, name: str, columns: Columns | None) -> _Item:
    label = None
    if columns is not None:
        image, label = item[columns[0]], None if columns[1] is None else item.get(columns[1])
    elif isinstance(item, tuple | list) and not isinstance(item, str):
        if len(item) not in (1, 2):
            raise BadInput(f"{name}: item {place} has {len(item)} parts. Items are an image, or an image and a label.")
        image, label = item[0], item[1] if len(item) == 2 else None
    else:
        image = item
    pixels, axes = _pixels(image, place, name)
    return _Item(pixels, label, axes)


def _pixels(image: Any, place: int, name: str) -> tuple[np.ndarray, str]:
    """A picture as (c, h, w), and how its axes were."""
    last = True
    if isinstance(image, Image.Image):
        if image.mode in ("I", "F"):
            raise BadInput(f"{name}: item {place} is a picture of 32-bit numbers, of which nothing says what is white.")
        values, kind = np.asarray(as_plain(image)[0]), "Pillow images"
    elif hasattr(image, "detach"):
        values, kind, last = image.detach().cpu().numpy(), "tensors", False
    elif isinstance(image, np.ndarray):
        values, kind = image, "arrays"
    else:
        raise BadInput(
            f"{name}: item {place} holds a {type(image).__name__} where an image should be. Give Pillow images, "
            "tensors or arrays."
        )
    if values.ndim == 2:
        return values[None], kind
    if values.ndim == 3:
        fits = values.shape[0] in CHANNELS, values.shape[2] in CHANNELS
        if any(fits):
            last = last if all(fits) else fits[1]
            order = "" if kind == "Pillow images" else " (h, w, c)" if last else " (c, h, w)"
            return (np.moveaxis(values, 2, 0) if last else values), f"{kind}{order}"
    raise BadInput(
        f"{name}: item {place} has the shape {values.shape}. An image is (h, w), or has 1, 3 or 4 channels before or "
        "after its height and width."
    )


def _white(pixels: np.ndarray, name: str) -> float:
    kind = pixels.dtype
    if kind.kind == "f":
        return 1.0
    if kind.name not in WHITE:
        raise BadInput(
            f"{name}: images of {kind.name}, whose white nothing says. Give uint8 from 0 to 255, or floats from 0 to 1."
        )
    return WHITE[kind.name]


def _check(pixels: np.ndarray, first: np.ndarray, place: int, name: str) -> None:
    """Raise `BadInput` for a picture that differs from the first one."""
    if pixels.shape[1:] != first.shape[1:]:
        sizes = " and ".join(f"{h} × {w}" for h, w in (first.shape[1:], pixels.shape[1:]))
        raise BadInput(
            f"{name}: images of several sizes, {sizes} (item {place}). A set has one: resize or crop them as the "
            "model's training did, in the dataset's transform."
        )
    if pixels.dtype != first.dtype:
        raise BadInput(f"{name}: item {place} is of {pixels.dtype}, item 0 of {first.dtype}. Give one type.")
    channels = {len(pixels), len(first)}
    if len(channels) > 1 and channels != {1, 3}:
        raise BadInput(f"{name}: item {place} has {len(pixels)} channels, item 0 {len(first)}. Convert them to RGB.")


def _check_range(images: np.ndarray, name: str) -> None:
    low, high = float(images.min()), float(images.max())
    if low >= -OVERSHOOT and high <= 1 + OVERSHOOT:
        return
    if not np.isfinite(low + high):
        raise BadInput(f"{name}: its images hold NaN or infinity. Look at the dataset's transform.")
    seen = f"{name}: floats from {low:.3g} to {high:.3g}, where black is 0 and white 1."
    if low < -OVERSHOOT:
        raise BadInput(
            f"{seen} They seem to be normalized: take Normalize out of the dataset's transform and put it in front of "
            "the model (torch.nn.Sequential(Normalize(mean, sd), model)). If the values are what is to be diagnosed, "
            "give them as an array."
        )
    raise BadInput(f"{seen} Divide them by what is white, such as 255, or give uint8.")


def _labels(labels: Sequence[Any], name: str) -> Int64[np.ndarray, "n"] | None:
    """The labels as numbers; None if there are none, or all are −1."""
    if all(label is None for label in labels):
        return None
    numbers = np.empty(len(labels), np.int64)
    for place, label in enumerate(labels):
        value = np.asarray(label.detach().cpu() if hasattr(label, "detach") else label)
        if value.size != 1 or value.dtype.kind not in "biu":
            raise BadInput(f"{name}: {label!r:.60} is no label. A label is the number of a class, from 0.")
        numbers[place] = value.reshape(())
    return None if (numbers == -1).all() else numbers


def _classes(source: Any, columns: Columns | None) -> tuple[str, ...] | None:
    """The names of the classes, if the dataset says them."""
    features = getattr(source, "features", None)
    if isinstance(features, Mapping) and columns is not None and columns[1] in features:
        names = getattr(features[columns[1]], "names", None)
    else:
        names = getattr(source, "classes", None)
    return tuple(map(str, names)) if isinstance(names, list | tuple) and names else None
