"""How strong each spatial frequency is before and after a shift.

A blur takes the fine ones away, noise adds them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.diagnosis.charts import made_of
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.family import Shift

IMAGES = 100  # of each set, at most
SMALLEST = 16  # pixels across
MOST_BANDS = 32  # from the coarsest frequency to 0.5 cycles in a pixel
CHANGED = 1.25  # times the power, in some band: spectra that differ by less are not worth a look
FINE, COARSE = 0.3, 0.15  # cycles in a pixel: from where on, and up to where
FAINT = 1e-12  # power of what is constant


@dataclass(frozen=True, eq=False)
class Spectra:
    """The mean power of images by spatial frequency, in cycles in a pixel, by the images' name."""

    frequencies: Float64[np.ndarray, "bands"]
    power: dict[str, Float64[np.ndarray, "bands"]]

    def changed(self, fine: bool) -> float:
        """How many times the reference's power the shifted set has, at fine or coarse ones."""
        those = self.frequencies >= FINE if fine else self.frequencies <= COARSE
        before, after = (self.power[name][those].sum() for name in ("reference", "shifted"))
        return float(after / before)


def spectra(before: Images, after: Float32[np.ndarray, "m d v u"], shift: Shift | None, seed: int) -> Spectra | None:
    """Of some images of both sets, and of the first under a shift.

    None where they are too small, of two sizes, or have the same power at every frequency, within a quarter. A shift
    that is None, or asks a model, is not made.
    """
    if before.shape[1:] != after.shape[1:] or min(before.shape[2:]) < SMALLEST:
        return None
    some = before[:IMAGES]
    sets = {"reference": some, "shifted": after[:IMAGES]}
    made = None if shift is None else made_of(shift, some, seed, "spectra")
    if made is not None and made.shape[1:] == some.shape[1:]:
        sets["made again"] = made
    power = {name: power_by_frequency(images) for name, images in sets.items()}
    apart = np.abs(np.log(power["shifted"] / power["reference"])).max()
    return Spectra(_bands(*before.shape[2:]), power) if apart > np.log(CHANGED) else None


def power_by_frequency(images: Images) -> Float64[np.ndarray, "bands"]:
    """The mean squared size of Fourier coefficients in rings around the lowest frequency.

    Over images and channels. The mean is taken out, and a Hann window fades the borders, which would look like fine
    detail.

    >>> x = np.arange(32) / 32
    >>> stripes = np.tile(np.sin(2 * np.pi * 8 * x), (1, 1, 32, 1)).astype(np.float32)  # a quarter cycle in a pixel
    >>> _bands(32, 32)[power_by_frequency(stripes).argmax()]
    np.float64(0.25)
    """
    h, w = images.shape[2:]
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    flat = images - images.mean((2, 3), keepdims=True)
    square = (np.abs(np.fft.rfft2(flat * window)) ** 2).mean((0, 1)) / (window**2).sum()
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w))
    bands = _bands(h, w)
    ring = np.rint(radius / bands[0]).astype(np.int64)
    seen = (ring >= 1) & (ring <= len(bands))
    counts = np.bincount(ring[seen], minlength=len(bands) + 1)[1:]
    return np.bincount(ring[seen], square[seen], len(bands) + 1)[1:] / counts + FAINT


def _bands(h: int, w: int) -> Float64[np.ndarray, "bands"]:
    """The middles of the rings, up to half a cycle in a pixel."""
    count = min(min(h, w) // 2, MOST_BANDS)
    return np.arange(1, count + 1) / (2 * count)
