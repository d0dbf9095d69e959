"""Images beside what became of them: what a family estimates its parameters from."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64
from scipy.ndimage import gaussian_filter

from shiftassay.imagesets.image_set import Images

ROUNDING = 0.75 / 255  # of a grey value: what differs by less was rounded otherwise
BORDERED = 0.25  # of an image's mean grey value: MNIST's border has 0, a photograph's about 1
WHITE = 0.8  # mean grey value of the border
SMOOTHING = 1.0  # pixels: enough that a stroke found two pixels away still overlaps with itself


@dataclass(frozen=True, eq=False)
class Pairs:
    """Image i of `shifted` is what became of image i of `reference`.

    With `contrast`, a linear map of grey values may have happened besides: errors are those that the best one leaves.
    """

    reference: Images
    shifted: Images
    contrast: bool = False

    def __len__(self) -> int:
        return len(self.reference)

    def first(self, n: int) -> "Pairs":
        """The first n pairs."""
        return self if n >= len(self) else replace(self, reference=self.reference[:n], shifted=self.shifted[:n])

    def subset(self, places: np.ndarray) -> "Pairs":
        """The pairs at the given places."""
        return replace(self, reference=self.reference[places], shifted=self.shifted[places])

    @cached_property
    def smooth(self) -> "Pairs":
        """Both sides slightly blurred, so that a picture that has moved is found from further away."""
        blur = (0, 0, SMOOTHING, SMOOTHING)
        return replace(
            self, reference=gaussian_filter(self.reference, blur), shifted=gaussian_filter(self.shifted, blur)
        )

    @cached_property
    def change(self) -> float:
        """The mean squared difference of a pixel."""
        return float(np.mean((self.shifted - self.reference) ** 2, dtype=np.float64))

    @cached_property
    def changed(self) -> Bool[np.ndarray, "n"]:
        """Which images changed beyond rounding."""
        return np.abs(self.shifted - self.reference).max((1, 2, 3)) > ROUNDING

    @cached_property
    def bordered(self) -> bool:
        """Whether pictures reach the border, so that it matters how a warp fills in their edge when it moves."""
        return any(_ring(images) > BORDERED * abs(float(images.mean())) for images in (self.reference, self.shifted))

    @cached_property
    def on_white(self) -> bool:
        """Whether what surrounds the pictures is white on both sides."""
        return all(_ring(images) > WHITE for images in (self.reference, self.shifted))

    def residual(self, made: Images) -> Images:
        """What a remake leaves unexplained."""
        slope, level = self.fit_intensity(made)
        return self.shifted - made if slope == 1 and level == 0 else self.shifted - (slope * made + level)

    def errors(self, made: Images) -> Float64[np.ndarray, "n"]:
        """The mean squared error of each image of a remake."""
        return mean_squares(self.residual(made))

    def fit_intensity(self, made: Images) -> tuple[np.float32, np.float32]:
        """The slope and level of the linear map of grey values that is free to be chosen: 1 and 0 if none is."""
        if not self.contrast:
            return np.float32(1), np.float32(0)
        mean, target = made.mean(dtype=np.float64), self.shifted.mean(dtype=np.float64)
        centred = made - np.float32(mean)
        variance = np.vdot(centred, centred)
        slope = np.vdot(centred, self.shifted) / variance if variance > 1e-9 else 0.0
        return np.float32(slope), np.float32(target - slope * mean)


def mean_squares(images: Images) -> Float64[np.ndarray, "n"]:
    """Of each image."""
    flat = images.reshape(len(images), -1)
    return np.vecdot(flat, flat).astype(np.float64) / flat.shape[1]


def _ring(images: Images) -> float:
    """The mean grey value of the outermost pixels."""
    lines = images[:, :, [0, -1]], images[..., [0, -1]]
    return float(np.mean([line.mean(dtype=np.float64) for line in lines]))
