"""How well a shift, made again from the reference, is the shifted set: on pairs that its parameters were not fitted to.

A remake is judged by what it leaves. For a shift without chance, that is the share of the change it does not explain. For one
with chance the remake differs from the shifted set as two of its own remakes differ from each other, if it is right: in energy,
in grey values, between neighbouring pixels, from place to place and from image to image. What differs more is its mismatch.
"""

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fitting import away_from_edges
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Choice, Uniform
from shiftassay.shifts.warp import Resampling, current_resampling, resampled

ROUNDING = 1 / 255**2 / 12  # energy of rounding to eight bits
EDGE = 2e-3  # of black and white, within which values are clipped ones
FRAME = 7  # a seventh of the side at each border
OFF_EDGE = 0.31  # of a bin
BLOCKS = 4  # a side, for where the energy of what is left is
KEPT = 48  # images, for what some shifts leave
LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
OTHERS = (
    Resampling("bicubic"),
    Resampling("nearest"),
    Resampling("bilinear", 0.5),
    Resampling("nearest", 0.5),
)


@dataclass(frozen=True, eq=False)
class Remake:
    """A shift and what its remake leaves: `unexplained`, the share of the change, and `mismatch`, of the chance in it.

    `details` are the mismatch's parts, beyond that of two remakes; `how` is the resampling that fits best; `residual` that of the pairs.
    """

    shift: Shift
    unexplained: float
    mismatch: float
    chance: float
    details: dict[str, float]
    how: Resampling
    residual: Images
    strictness: int = 1
    score: float = 0.0
    """What the numbers of a shift with chance in it are fitted by: 0 at best, and free of the bias that few draws give."""

    @property
    def misfit(self) -> float:
        """0 for a perfect remake, about 1 for one that explains nothing."""
        return self.unexplained + math.sqrt(self.chance) * self.mismatch

    @property
    def weighted_misfit(self) -> float:
        """The misfit as candidates are compared by it: thrice where only values or places changed, which no other code would do another way."""
        return self.strictness * self.misfit


def remake(shift: Shift, pairs: Pairs, seed: int = 0, others: bool = True) -> Remake:
    """Make a shift again from the pairs' reference, with others' resampling too if the picture moves, and judge it."""
    with_draws = shift.infer_draws(pairs) or shift
    judged = [_judged(shift, with_draws, pairs, seed, current_resampling())]
    if others and moves(shift) and judged[0].unexplained < 0.6:
        judged += [_judged(shift, with_draws, pairs, seed, how) for how in OTHERS]
        if shrinks(shift):
            judged.append(_judged(shift, with_draws, pairs, seed, Resampling("area")))
        best = min(judged, key=lambda r: r.misfit)
        if best.how == OTHERS[2]:
            judged.append(_judged(shift, with_draws, pairs, seed, Resampling("bicubic", 0.5)))
    return min(judged, key=lambda r: r.misfit)


def moves(shift: Shift) -> bool:
    """Whether the picture is resampled at places between its pixels."""
    return any(part.smooth for part in shift.components)


def blurs(shift: Shift) -> bool:
    """Whether others' code may treat the neighbourhood of a pixel a little differently."""
    return any(p.group in ("blur", "overlay") for p in shift.components)


def draws_strengths(shift: Shift) -> bool:
    """Whether numbers of the shift are drawn for each image."""
    return any(isinstance(value, Uniform | Choice) for part in shift.components for value in vars(part).values())


def shrinks(shift: Shift) -> bool:
    """Whether the picture becomes smaller, which careful code does not do by sampling alone."""
    return any(part.shrinks for part in shift.components)


def _judged(shift: Shift, with_draws: Shift, pairs: Pairs, seed: int, how: Resampling) -> Remake:
    with resampled(how):
        made = [with_draws.apply(pairs.reference, np.random.default_rng([seed, i])) for i in range(2)]
        random = not np.array_equal(made[0], made[1])
        if random:
            made += [
                with_draws.apply(pairs.reference, np.random.default_rng([seed, i]))
                for i in range(2, 1 + SETTINGS.remakes)
            ]
        if random and in_bytes(pairs.shifted):  # values that pile up must do so on the same grid
            made = list(map(to_bytes, made))
    mean = _mean(made[1:]) if random else made[0]
    left = pairs.shifted - mean
    scale = change_of(pairs)
    energy = _energy(left)
    if not random:
        strictness = 1 if moves(shift) or blurs(shift) or shift.approximate else thresholds.STRICTNESS
        if any(part.group == "blur" for part in shift.components):
            energy, scale = _energy(_inner(left)), change_of(Pairs(_inner(pairs.reference), _inner(pairs.shifted)))
        elif pairs.bordered and (clear := away_from_edges(with_draws, pairs.reference)) is not None:
            energy = _energy(left * clear) / float(clear.mean())
        energy = max(energy - ROUNDING * in_bytes(pairs.shifted), 0)
        return Remake(shift, energy / scale, 0.0, 0.0, {}, how, left, strictness)
    drawn = made[0] - mean
    expected = _energy(drawn)
    unexplained = max(abs(energy - expected) - 2 * _sampling_error(left, drawn), 0.0) / scale
    # The mean of few draws is itself off by a share of the chance: taken away, the distance from it is a proper score.
    distance = energy - expected / (SETTINGS.remakes + 1)
    beside, shifted = _looked_at(pairs)
    one = beside.seen(made[0])
    seen = _mismatch(mean, shifted, one, expected)
    # Strengths that are drawn for each image make remakes differ among themselves: of those the least alike are the null.
    nulls = [
        _mismatch(_mean([m for j, m in enumerate(made) if j != i]), beside.seen(made[i]), one, expected)
        for i in range(1, len(made) if draws_strengths(shift) else 2)
    ]
    details = {name: max(value - max(null[name] for null in nulls), 0.0) for name, value in seen.items()}
    chance = min(max(energy, expected) / scale, 1.0)
    mismatch = float(sum(details.values()))
    score = math.sqrt(chance) * mismatch + (abs(energy - expected) + distance) / scale
    return Remake(shift, unexplained, mismatch, chance, details, how, left, score=score)


def _inner(images: Images) -> Float[np.ndarray, "n c y x"]:
    """Without a frame where blurs depend on what their makers held to be beyond the border."""
    frame = min(images.shape[2:]) // FRAME
    return images[:, :, frame : images.shape[2] - frame, frame : images.shape[3] - frame]


def change_of(pairs: Pairs) -> float:
    """The energy that a remake has to explain: of the change, or of the shifted set about its mean if that is less."""
    return max(min(pairs.change, float(pairs.shifted.var(dtype=np.float64))), 1e-12)


def in_bytes(images: Images) -> bool:
    """Whether images are rounded to 256 values."""
    few = images[:20] * 255
    return bool(np.abs(few - np.rint(few)).max() < 1e-3)


def to_bytes(images: Images) -> Images:
    """The images rounded to 256 values."""
    return np.rint(images * np.float32(255)) / np.float32(255)


@dataclass(frozen=True, eq=False)
class Seen:
    """Images, and what is seen of them beside the reference: no remake's mean is needed for it."""

    images: Images
    grey: Float[np.ndarray, "a b"]
    """How often a grey value became which: black and white apart, as clipping makes them."""
    grid: float
    invariants: list[float]
    """How far images are from the reference in what some shifts leave: see `_kept`."""


@dataclass(frozen=True, eq=False)
class Beside:
    """A reference that images are looked at beside."""

    rows: np.ndarray
    kept: list[np.ndarray]

    @staticmethod
    def of(reference: Images) -> "Beside":
        return Beside(_bins(reference, 8) * 44, _kept(reference))

    def seen(self, images: Images) -> Seen:
        joint = np.bincount((self.rows + _bins(images, 40)).ravel(), minlength=12 * 44).reshape(12, 44)
        apart = [float(np.mean((a - b) ** 2)) for a, b in zip(self.kept, _kept(images), strict=True)]
        return Seen(images, joint / images.size, _on_a_grid(images), apart)


_looks: WeakKeyDictionary[Pairs, tuple[Beside, Seen]] = WeakKeyDictionary()


def _looked_at(pairs: Pairs) -> tuple[Beside, Seen]:
    """The pairs' reference and what is seen of their shifted images: once for all that is tried on them."""
    if pairs not in _looks:
        beside = Beside.of(pairs.reference)
        _looks[pairs] = beside, beside.seen(pairs.shifted)
    return _looks[pairs]


def _mismatch(mean: Images, shifted: Seen, made: Seen, energy: float) -> dict[str, float]:
    left, drawn = shifted.images - mean, made.images - mean
    scale = float(np.sqrt(max(energy, 1e-12)))
    return {
        "grey values": _distance(shifted.grey, made.grey),
        "neighbours": 2 * max(abs(a - b) for a, b in zip(_correlations(left), _correlations(drawn), strict=True)),
        "joint neighbours": 0.5 * _distance(_pairs_of(left, scale), _pairs_of(drawn, scale)),
        "grid": 0.1 * abs(shifted.grid - made.grid),
        "blocks": 0.5 * _distance(_shares(left), _shares(drawn)),
        "places": abs(_placed(left) - _placed(drawn)),
        "images": 0.5 * abs(_uneven(left) - _uneven(drawn)),
        "levels": abs(_levels(left) - _levels(drawn)),
        "invariants": 0.5
        * max(abs(a - b) / (a + b + 1e-4) for a, b in zip(shifted.invariants, made.invariants, strict=True)),
    }


def _mean(remakes: list[Images]) -> Images:
    return np.asarray(np.mean(remakes, axis=0, dtype=np.float32))


def _energy(images: Images) -> float:
    return float(np.mean(images**2, dtype=np.float64))


def _sampling_error(left: Images, drawn: Images) -> float:
    """Of the difference of two energies, each a mean over images."""
    each = [np.mean(side**2, axis=(1, 2, 3), dtype=np.float64) for side in (left, drawn)]
    return float(np.sqrt(sum(e.var() / e.size for e in each)))


def _bins(images: Images, count: int) -> np.ndarray:
    """Below 0, 0, between, 1, above 1. No edge lies at a round number, or at one of 255 grey values, where shifts put many pixels."""
    inner = np.clip((images * count + OFF_EDGE).astype(np.int32), 0, count - 1) + 2
    return np.select(
        [images < -EDGE, images < EDGE, images > 1 + EDGE, images > 1 - EDGE], [0, 1, count + 3, count + 2], inner
    )


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Total variation: the share of pixels that would have to change."""
    return float(np.abs(a - b).sum() / 2)


def _on_a_grid(images: Images) -> float:
    """The log of how often two grey values are the same of 256: counts of few photons often are."""
    inner = images[(images > EDGE) & (images < 1 - EDGE)]
    counts = np.bincount(np.rint(inner * 255).astype(np.int64))
    return float(np.log((counts.astype(np.float64) ** 2).sum() / inner.size**2)) if inner.size else 0.0


def _correlations(left: Images) -> list[float]:
    """With the neighbours at each of the lags."""
    h, w = left.shape[2:]
    energy = max(_energy(left), 1e-12)
    products = [left[:, :, : h - dy, : w - dx] * left[:, :, dy:, dx:] for dy, dx in LAGS]
    return [float(product.mean(dtype=np.float64) / energy) for product in products]


def _pairs_of(left: Images, scale: float) -> np.ndarray:
    """How often neighbours, side by side and below each other, are left which values."""
    size = np.clip(np.rint(left / scale * 1.5), -3, 3).astype(np.int32) + 3
    across = size[..., :-1] * 7 + size[..., 1:]
    down = size[:, :, :-1] * 7 + size[:, :, 1:] + 49
    both = np.bincount(np.concatenate([across.ravel(), down.ravel()]), minlength=98)
    return both / both.sum()


def _shares(left: Images) -> Float[np.ndarray, "by bx"]:
    """Which share of the energy is in which block of the picture."""
    energy = np.mean(left**2, axis=(0, 1), dtype=np.float64)
    for axis, size in enumerate(energy.shape):
        energy = np.add.reduceat(energy, np.arange(0, size, -(-size // BLOCKS)), axis)
    return energy / max(energy.sum(), 1e-12)


def _placed(left: Images) -> float:
    """The share of the energy that is the same in all images."""
    n = len(left)
    mean = left.mean(0, dtype=np.float64)
    return float(max(np.mean(mean**2) - _energy(left) / n, 0) / max(_energy(left), 1e-12))


def _uneven(left: Images) -> float:
    """How much the energy varies from image to image."""
    return float(np.log(np.mean(left**2, axis=(1, 2, 3)) + 1e-8).std())


def _levels(left: Images) -> float:
    """The share of the energy that is a change of each image's mean."""
    return float(np.mean(left.mean((1, 2, 3), dtype=np.float64) ** 2) / max(_energy(left), 1e-12))


def _kept(images: Images) -> list[np.ndarray]:
    """What some shifts leave as it is: grey values in any order, amplitudes, sums of rows and of columns."""
    images = images[:KEPT]
    flat = np.sort(images.reshape(len(images), -1), axis=1)
    return [flat, np.abs(np.fft.rfft2(images)) / images.shape[3], images.mean(3), images.mean(2)]
