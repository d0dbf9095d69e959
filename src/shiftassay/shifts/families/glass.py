"""A blur that is no convolution: pixels change places with their neighbours."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64
from scipy.ndimage import gaussian_filter

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.moments import lowest
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift
from shiftassay.shifts.parameters import Parameters

FEW = 32  # images that are shuffled for each reach and number of rounds
EXPLAINED = 0.001  # residual of a Gaussian blur, as a share of the change, below which it is one
SHUFFLES = tuple((reach, rounds) for reach in (1, 2, 3, 4) for rounds in (1, 2, 3))
SDS = (0.4, 0.7, 1.0, 1.5)
BLURS = (0.7, 1.5, 3.0)  # of the reference, with which a frayed image is compared
REFINED = 4  # of the shuffles: those whose sd is refined


@FAMILIES.register("glass_blur")
@dataclass(frozen=True)
class GlassBlur(Shift):
    """Blur the picture, exchange neighbouring pixels at random and blur again, as frosted glass.

    The shuffle goes over the pixels from the last to the first, several times. Each pixel, with probability ½, changes
    places with one that is −reach … reach − 1 pixels away in x and in y. A border of `reach` pixels starts no exchange.

    Parameters:
        sd: standard deviation of both blurs in pixels, 0 to 50.
        reach: how far a pixel may move in one exchange, in pixels, 1 to 50.
        rounds: how often the shuffle goes over the picture, 1 to 50.

    Source: Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions".
    """

    family: ClassVar[str] = "glass_blur"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "sd=0.7"
    also_called: ClassVar[tuple[str, ...]] = ("frosted_glass",)
    tier: ClassVar[int] = 2
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    simulated: ClassVar[tuple[str, ...]] = ("sd",)
    grid: ClassVar[tuple[Parameters, ...]] = ({"sd": 0.4}, {"sd": 0.8})
    refined: ClassVar[tuple[str, ...] | None] = ("sd",)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Edges are frayed in another way on every image, so that fine detail is not just weaker, as after a blur, but "
        "wrong."
    )
    information: ClassVar[Information] = "reduced"

    sd: float
    reach: int = 1
    rounds: int = 2
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.sd <= 50 or not 1 <= self.reach <= 50 or not 1 <= self.rounds <= 50:
            raise BadInput(
                "glass_blur: sd must be between 0 and 50, reach and rounds between 1 and 50, "
                f"not {self.sd:g}, {self.reach} and {self.rounds}."
            )

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        blur = (0, 0, self.sd, self.sd)
        shuffled = self._shuffle(gaussian_filter(images, blur, mode="nearest"), rng)
        return np.clip(gaussian_filter(shuffled, blur, mode="nearest"), 0, 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """All three parameters by simulated moments on a few images.

        Tried are a reach of 1 to 4, rounds of 1 to 3, and an sd from 0.2 to 3. The moments: the energy of the images
        and of their first and second differences, and their distances from the reference and from blurred references.
        Nothing is returned where no fine detail is lost, where brightness changes, or where a Gaussian blur of the
        reference explains everything.
        """
        few = pairs.first(FEW)
        reference, shifted = few.reference, few.shifted
        if min(reference.shape[2:]) < 10:
            return []
        before, after = (images.mean(dtype=np.float64) for images in (reference, shifted))
        if abs(after - before) > 0.15 * abs(before) or _roughness(shifted) > 0.95 * _roughness(reference):
            return []
        blurred = [gaussian_filter(reference, (0, 0, sd, sd), mode="nearest") for sd in BLURS]
        moments = _moments(shifted, reference, blurred)

        def blur_error(sd: float) -> float:
            return float(few.errors(gaussian_filter(reference, (0, 0, sd, sd), mode="nearest")).mean())

        if not np.isfinite(moments).all() or lowest(blur_error, 0.2, 4.0, tries=15)[1] < EXPLAINED * few.change:
            return []

        def distance(sd: float, reach: int, rounds: int) -> float:
            places = _shuffled_places(len(few), *reference.shape[2:], reach, rounds)
            smooth = gaussian_filter(reference, (0, 0, sd, sd), mode="nearest").reshape(*reference.shape[:2], -1)
            frayed = np.take_along_axis(smooth, places, 2).reshape(reference.shape)
            simulated = np.clip(gaussian_filter(frayed, (0, 0, sd, sd), mode="nearest"), 0, 1)
            return float(((_moments(simulated, reference, blurred) - moments) ** 2).sum())

        coarse = {shuffle: min((distance(sd, *shuffle), sd) for sd in SDS) for shuffle in SHUFFLES}
        refined = []
        for shuffle in sorted(SHUFFLES, key=lambda shuffle: coarse[shuffle][0])[:REFINED]:
            around = coarse[shuffle][1] * np.array([0.6, 1.6])
            sd, away = lowest(lambda sd, shuffle=shuffle: distance(sd, *shuffle), *around, tries=8, near=0.005)
            refined.append((away, sd, *shuffle))
        _, sd, reach, rounds = min(refined)
        return [cls(sd, reach, rounds)]

    def _shuffle(self, images: Images, rng: np.random.Generator) -> Images:
        """Exchanges in waves that slant across the picture.

        A wave holds the places whose exchanges touch none of each other's pixels; what an exchange touches and another
        touched before it in the order of pixels, an earlier wave held. So waves give what one place after the other
        would give.
        """
        n, c, h, w = images.shape
        rows, columns = np.arange(h - self.reach, self.reach, -1), np.arange(w - self.reach, self.reach, -1)
        side = 2 * self.reach
        kind = np.uint8 if 2 * side**2 <= 256 else np.uint16
        # One draw for each image, round and place: below side² the pixel stays, from side² on it numbers a neighbour.
        chosen = rng.integers(0, 2 * side**2, (n, self.rounds * len(rows) * len(columns)), dtype=kind)
        chosen = np.ascontiguousarray(chosen.T).reshape(self.rounds, len(rows), len(columns), n)
        pixels = np.ascontiguousarray(images.transpose(2, 3, 0, 1)).reshape(h * w, n, c)
        i, j = np.indices((len(rows), len(columns))).reshape(2, -1)
        number = i * (side + 1) + j
        order = np.argsort(number, kind="stable")
        waves = np.split(order, np.cumsum(np.bincount(number))[:-1])
        for of_round in chosen.reshape(self.rounds, -1, n):
            for wave in waves:
                choice = of_round[wave]
                place, image = np.nonzero(choice >= side**2)
                down, right = np.divmod(choice[place, image].astype(np.int64) - side**2, side)
                y, x = rows[i[wave[place]]], columns[j[wave[place]]]
                here, there = y * w + x, (y + down - self.reach) * w + x + right - self.reach
                pixels[here, image], pixels[there, image] = pixels[there, image], pixels[here, image]
        return np.ascontiguousarray(pixels.reshape(h, w, n, c).transpose(2, 3, 0, 1))


@lru_cache(maxsize=32)
def _shuffled_places(n: int, h: int, w: int, reach: int, rounds: int) -> Int64[np.ndarray, "n 1 p"]:
    """Where each pixel of n shuffled images comes from."""
    places = np.broadcast_to(np.arange(h * w, dtype=np.float32).reshape(1, 1, h, w), (n, 1, h, w))
    shuffled = GlassBlur(0.0, reach, rounds)._shuffle(places, np.random.default_rng(0))
    return shuffled.reshape(n, 1, h * w).astype(np.int64)


def _moments(images: Images, reference: Images, blurred: list[Images]) -> Float64[np.ndarray, "m"]:
    """The logs of mean squares, by which glass is matched.

    Of images, of their first and second differences, and of their distances from blurred images.
    """
    second = sum(np.mean(np.diff(images, 2, axis) ** 2, dtype=np.float64) for axis in (2, 3))
    away = [np.mean((images - other) ** 2, dtype=np.float64) for other in (reference, *blurred)]
    energy = np.mean(images**2, dtype=np.float64)
    return np.log(np.maximum([energy, _roughness(images), second, *away], 1e-12))


def _roughness(images: Images) -> float:
    """The mean squared difference of neighbours."""
    return float(sum(np.mean(np.diff(images, 1, axis) ** 2, dtype=np.float64) for axis in (2, 3)))
