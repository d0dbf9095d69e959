"""Images that stand in both sets, value for value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool, Float32, Int64

from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.models.predict import labels_of
from shiftassay.words.lists import plural
from shiftassay.words.numbers import percent

LEVELS = 255  # steps of the range of values: smaller differences are rounding
NAMED = 6  # places, or runs of them, that a sentence names
CHUNK = 1000  # images that are rounded at a time
LARGEST = 2**30  # level: values further out count as equal


@dataclass(frozen=True, eq=False)
class Shared:
    """Where each shifted image stands unchanged in the reference.

    Images of one value alone are no evidence: they count as found nowhere.
    """

    places: Int64[np.ndarray, "n"]
    """Its own place first, else the first of its places; −1 if nowhere."""
    unique: Bool[np.ndarray, "n"]
    """Whether it stands at one place alone in the reference and is not found again in the shifted set."""
    unambiguous: Int64[np.ndarray, "n"]
    """`places` where there is no doubt which one is meant: its own place, or the only one; −1 elsewhere."""

    @property
    def in_place(self) -> Bool[np.ndarray, "n"]:
        """Which images stand at the same place of both sets."""
        return self.places == np.arange(len(self.places))

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The places in the reference and in the shifted set of every image that is in both."""
        shared = np.flatnonzero(self.places >= 0)
        return tuple(zip(self.places[shared].tolist(), shared.tolist(), strict=True))


def shared_images(reference: ImageSet, shifted: ImageSet) -> Shared:
    """Find the images that both sets hold, but for rounding.

    >>> images = np.random.default_rng(0).random((60, 1, 4, 4), np.float32)
    >>> shared_images(ImageSet(images[:50]), ImageSet(images[48:])).pairs
    ((48, 0), (49, 1))
    """
    # A power of two, so that bytes over 255 stay whole numbers, which no rounding moves.
    span = 2.0 ** np.round(np.log2(max(float(np.ptp(reference.images)), 1e-30)))
    before, after = (_names(side.images, LEVELS / span) for side in (reference, shifted))
    positions: dict[bytes, list[int]] = {}
    for i, name in enumerate(before):
        positions.setdefault(name, []).append(i)
    count: dict[bytes, int] = {}
    for name in after:
        count[name] = count.get(name, 0) + 1
    places, unambiguous = np.full((2, len(after)), -1)
    unique = np.zeros(len(after), bool)
    for i, name in enumerate(after):
        candidates = positions.get(name, []) if name else []
        if not candidates:
            continue
        own = before[i] == name if i < len(before) else False
        places[i] = i if own else candidates[0]
        unique[i] = len(candidates) == 1 and count[name] == 1
        unambiguous[i] = places[i] if own or len(candidates) == 1 else -1
    return Shared(places, unique, unambiguous)


def apart(reference: ImageSet, shifted: ImageSet, pairs: Sequence[Sequence[int]]) -> tuple[ImageSet, ImageSet]:
    """Both sets without the images that are in both, which are given by their places."""
    taken = np.array(pairs, np.int64).reshape(-1, 2)
    one, other = (_without(side, taken[:, k]) for k, side in enumerate((reference, shifted)))
    return one, other


def shared_note(reference: ImageSet, shifted: ImageSet, pairs: Sequence[Sequence[int]]) -> str:
    """How many images are in both sets, and which."""
    ours, theirs = np.array(pairs).T
    images = f"{plural(len(pairs), 'image')} {'is' if len(pairs) == 1 else 'are'}"
    if np.array_equal(ours, theirs):
        where = f"at the same places, {places_in_words(theirs)}"
    else:
        where = f"in {shifted.name} at {places_in_words(theirs)}, in {reference.name} at {places_in_words(ours)}"
    return f"{images} in both sets: {where} (counted from 0)."


def accuracy_without(
    reference: ImageSet,
    shifted: ImageSet,
    pairs: Sequence[Sequence[int]],
    logits: tuple[Float32[np.ndarray, "n c"], Float32[np.ndarray, "m c"]],
) -> tuple[Mapping[str, float], str]:
    """Accuracy without the shared images on each set with labels, and a sentence about it.

    The sentence compares it with accuracy on all images.
    """
    accuracies: dict[str, float] = {}
    parts = []
    for k, (key, side) in enumerate((("reference", reference), ("shifted", shifted))):
        if side.labels is None:
            continue
        right = labels_of(logits[k]) == side.labels
        others = np.delete(right, [pair[k] for pair in pairs])
        if len(others):
            accuracies[f"{key}_without_shared"] = float(others.mean())
            parts.append(f"on {side.name} {percent(right.mean(), 1)} with them and {percent(others.mean(), 1)} without")
    return accuracies, f"Accuracy is {', '.join(parts)}." if parts else ""


def places_in_words(places: Int64[np.ndarray, "k"]) -> str:
    """A short list of places, runs as their ends.

    >>> places_in_words(np.array([7, 0, 1, 2, 3, 40]))
    '0–3, 7, 40'
    """
    places = np.unique(places)
    runs = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
    names = [f"{run[0]:,}–{run[-1]:,}" if len(run) > 1 else f"{run[0]:,}" for run in runs[:NAMED]]
    return ", ".join(names) + (" …" if len(runs) > NAMED else "")


def _without(side: ImageSet, places: Int64[np.ndarray, "k"]) -> ImageSet:
    return side.subset(np.delete(np.arange(len(side)), places))


def _names(images: Images, scale: float) -> list[bytes]:
    """A digest of each image's rounded values; none for an image of one value."""
    names = []
    for start in range(0, len(images), CHUNK):
        part = np.clip(np.rint(images[start : start + CHUNK] * np.float32(scale)), -LARGEST, LARGEST).astype(np.int32)
        flat = np.ascontiguousarray(part.reshape(len(part), -1))
        varied = flat.max(axis=1) > flat.min(axis=1)
        names += [blake2b(row.data, digest_size=16).digest() if v else b"" for row, v in zip(flat, varied, strict=True)]
    return names
