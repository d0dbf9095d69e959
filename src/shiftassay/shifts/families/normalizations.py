"""The normalizations that libraries and courses use, by name; which took another one's place."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

CLOSE = 3e-3  # relative difference within which estimated numbers are those of a name
BYTES = 255.0
COLORS = 3


class Normalization(NamedTuple):
    """(x − mean) / sd, channel by channel, of values in [0, 1]."""

    name: str
    mean: tuple[float, ...]
    sd: tuple[float, ...]


NONE = Normalization("", (0.0,) * COLORS, (1.0,) * COLORS)
KNOWN = (
    Normalization("ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    Normalization("0.5/0.5 (Keras: tf)", (0.5,) * COLORS, (0.5,) * COLORS),
    Normalization("CLIP", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    Normalization("CIFAR-10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    Normalization("CIFAR-10 (sd of single images)", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    Normalization("CIFAR-100", (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    Normalization("MNIST", (0.1307,) * COLORS, (0.3081,) * COLORS),
    Normalization("Keras: caffe", (123.68 / BYTES, 116.779 / BYTES, 103.939 / BYTES), (1 / BYTES,) * COLORS),
    Normalization("Keras: caffe", (123.68 / BYTES, 116.779 / BYTES, 103.939 / BYTES), (1.0,) * COLORS),
)
"""Means and sds of red, green and blue. Keras' caffe mode leaves 0 to 255, which may have been read as 0 to 1."""


def known_change(scale: Sequence[float], offset: Sequence[float]) -> str | None:
    """Which normalizations scale · x + offset puts in place of each other, in words.

    One number each for grey values, or three for colours. None where none is known.

    >>> known_change([1 / 0.3081], [-0.1307 / 0.3081])
    'normalized as MNIST'
    >>> known_change([127.5, 127.5, 127.5], [127.5 - 103.939, 127.5 - 116.779, 127.5 - 123.68])
    'normalized as Keras: caffe in BGR order, not as 0.5/0.5 (Keras: tf)'
    """
    if not (len(scale) == len(offset) and len(scale) in (1, COLORS)):
        return None
    estimate = np.broadcast_to(np.stack([scale, offset]).astype(np.float64), (2, COLORS)) if len(scale) == 1 else None
    names, changes = _known_changes()
    estimate = np.stack([scale, offset]).astype(np.float64) if estimate is None else estimate
    # An offset is as sure as the numbers that it is the difference of, which are about as large as the scale.
    allowed = CLOSE * np.maximum(np.abs(changes), np.abs(changes[:, :1]))
    near = np.all(np.abs(changes - estimate) <= allowed, axis=(1, 2))
    return names[int(np.argmax(near))] if near.any() else None


@cache
def _known_changes() -> tuple[tuple[str, ...], Float64[np.ndarray, "k 2 3"]]:
    """The names of all changes, likely ones first, with their scales and offsets."""
    variants = _variants()
    names, changes = [], []
    for before, after in [
        *((NONE, one) for one in variants),
        *((one, NONE) for one in variants),
        *((one, other) for one in variants for other in variants if one.name != other.name),
    ]:
        mean, sd = np.array([before.mean, after.mean]), np.array([before.sd, after.sd])
        names.append(_in_words(before, after))
        changes.append([sd[0] / sd[1], (mean[0] - mean[1]) / sd[1]])
    return tuple(names), np.array(changes)


def _variants() -> list[Normalization]:
    """The known ones, also with red and blue exchanged, and with constants of the other unit."""
    colors = [one for one in KNOWN if len(set(one.mean)) > 1]
    reversed_ = [Normalization(f"{o.name} in BGR order", o.mean[::-1], o.sd[::-1]) for o in colors]
    of_bytes = [_times(one, BYTES, "mean and sd times 255") for one in KNOWN if max(one.sd) < 1]
    by_bytes = [_times(one, 1 / BYTES, "of 0 to 255 for 0 to 1") for one in KNOWN if max(one.sd) < 1]
    return [*KNOWN, *reversed_, *of_bytes, *by_bytes]


def _times(one: Normalization, factor: float, remark: str) -> Normalization:
    mean, sd = (tuple(factor * value for value in values) for values in (one.mean, one.sd))
    return Normalization(f"{one.name} ({remark})", mean, sd)


def _in_words(before: Normalization, after: Normalization) -> str:
    if before is NONE:
        return f"normalized as {after.name}"
    return f"not normalized as {before.name}" if after is NONE else f"normalized as {after.name}, not as {before.name}"
