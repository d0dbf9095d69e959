"""Which array of a file holds the images, and which the labels: by name, else by shape."""

from collections.abc import Iterable, Mapping

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.raw import RawSet
from shiftassay.words.lists import first_of
from shiftassay.words.text import short

IMAGE_NAMES = ("images", "image", "x", "data", "pixels", "features")
LABEL_NAMES = ("labels", "label", "y", "targets", "target", "classes", "class", "digit")
PARTS = ("", "test", "train")  # a file that holds both is a data set, and what is assayed is its test set
POSITIONAL = ("arr_0", "arr_1")  # what numpy.savez calls arrays without a name


def by_name(names: Iterable[str]) -> tuple[str | None, str | None]:
    """The name of the images and of the labels of the same part, in either case, where names tell.

    >>> by_name(["x_train", "y_train", "x_test", "y_test"]), by_name(["Image", "y"]), by_name(["arr_0"])
    (('x_test', 'y_test'), ('Image', 'y'), (None, None))
    """
    spelled = {name.lower(): name for name in names}
    for part in PARTS:
        image, label = (_first(spelled, known, part) for known in (IMAGE_NAMES, LABEL_NAMES))
        if image is not None:
            return image, label
    return None, next((name for part in PARTS if (name := _first(spelled, LABEL_NAMES, part))), None)


def chosen(axes: Mapping[str, int], where: str) -> tuple[str, str | None]:
    """The names of the images and of the labels, given each array's number of axes.

    A single array is taken whatever its name. Raises `BadInput` if it can't be told which array holds the images.
    """
    image, label = by_name(axes)
    if image is None:
        large = [name for name in axes if axes[name] >= 2 and name != label]
        if len(large) != 1 and len(axes) == 1:
            large = list(axes)
        if len(large) != 1:
            raise BadInput(
                f"{where}: can't tell which array holds the images: {first_of(axes) or 'nothing'}. Name it 'images' "
                "and the labels 'labels'."
            )
        image = large[0]
    if label is None:
        label = next((name for name in POSITIONAL if name in axes and name != image and image in POSITIONAL), None)
    return image, label if label != image else None


def split(content: Mapping[str, object], where: str) -> RawSet:
    """Images and labels from named arrays.

    Raises `BadInput` if it is unclear which array holds the images.
    """
    try:
        arrays = {str(name): np.asarray(array) for name, array in content.items()}
    except Exception as error:  # ragged lists, or any object's own idea of becoming an array
        raise BadInput(
            f"{where}: holds what is no array ({short(error)}). Save images and labels as plain arrays."
        ) from None
    image, label = chosen({name: array.ndim for name, array in arrays.items()}, where)
    note = f"images in '{short(image)}'" + (f", labels in '{short(label)}'" if label is not None else "")
    return RawSet(arrays[image], arrays[label] if label is not None else None, (note,))


def _first(spelled: Mapping[str, str], known: Iterable[str], part: str) -> str | None:
    forms = ((name,) if not part else (f"{name}_{part}", f"{part}_{name}") for name in known)
    return next((spelled[form] for group in forms for form in group if form in spelled), None)
