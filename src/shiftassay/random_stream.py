"""Every random number of a training run, as a function of names and places.

Noise is data: the order of an epoch and the masks of dropout are not drawn from a generator that moves on,
they are read off a counter-based hash (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014). Any path that trains, on any device, alone or in a population, reads the same
numbers; a checkpoint needs no generator state.
"""

import hashlib
import json

import numpy as np
from jaxtyping import Bool, Int64, UInt64

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def seed_for(*parts: str | int) -> int:
    """A seed derived by name, in [0, 2⁶³): the same parts give the same seed on every machine.

    >>> seed_for(0, 3, "order") == seed_for(0, 3, "order") != seed_for(1, 3, "order")
    True
    """
    text = json.dumps(parts, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") & (2**63 - 1)


def words(key: int, start: int, count: int) -> UInt64[np.ndarray, "count"]:
    """Outputs `start` … `start + count − 1` of the SplitMix64 stream that starts at `key`.

    >>> [hex(word) for word in words(1234567, 0, 2)]
    ['0x599ed017fb08fc85', '0x2c73f08458540fa5']
    """
    z = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    z *= GOLDEN
    z += np.uint64(key)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def epoch_order(key: int, n: int) -> Int64[np.ndarray, "n"]:
    """A uniform permutation of n images: the one that sorts their words."""
    return np.argsort(words(key, 0, n), kind="stable")


def keep_mask(key: int, first: int, count: int, p: float) -> Bool[np.ndarray, "count"]:
    """Which of the elements `first` … `first + count − 1` dropout of probability p keeps.

    An element's number is position in the epoch × units of an image + unit, so that masks do not depend on
    the batch size. Each word serves four elements, sixteen bits each: p is rounded to a multiple of 2⁻¹⁶.
    """
    start, end = first // 4, -(-(first + count) // 4)
    fields = words(key, start, end - start).astype("<u8", copy=False).view("<u2")
    return fields[first - 4 * start :][:count] >= round(p * 65536)
