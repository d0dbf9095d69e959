"""Cases that change grey values."""

from collections.abc import Iterator

import numpy as np
from benchmarks.diagnosis.case import Answer, Parameter, Part, by, each

GROUP = "intensity"


def parts() -> Iterator[Part]:
    for rounded in (False, True):
        yield invert(rounded)
        for factor in (0.3, 0.6, 1.5, {"low": 0.4, "high": 0.9}, {"values": [0.5, 0.8]}):
            yield gain(factor, rounded)
        for amount in (0.1, 0.3, -0.2, {"low": 0.05, "high": 0.4}, {"values": [-0.2, 0.2]}):
            yield offset(amount, rounded)
        for exponent in (0.5, 1.8, 3.0, {"low": 0.4, "high": 2.5}):
            yield gamma(exponent, rounded)
    yield gain(2.0, clip=False)
    # None of the levels is a byte's value, where rounding would decide.
    for level in (0.21, 0.5, 0.79, {"low": 0.2, "high": 0.8}):
        yield threshold(level)
    for levels in (3, 4, 8, {"values": [3, 6]}):
        yield quantize(levels)
    for scale, shift in ((255.0, 0.0), (2.0, -1.0), (1 / 0.3081, -0.1307 / 0.3081), (0.5, 0.25)):
        yield rescale(scale, shift)
    yield rescale({"low": 0.5, "high": 1.5}, {"low": -0.5, "high": 0.5})


def invert(rounded: bool = False) -> Part:
    return Part(
        "invert", {}, by(lambda x, rng: np.float32(1) - x, {}, rounded), GROUP, "shared", "preserved", _way(rounded)
    )


def gain(factor: Parameter, rounded: bool = False, clip: bool | None = None) -> Part:
    """Clipped where it brightens and is rounded, which bytes can't do otherwise; not where it darkens."""
    brightens = np.max(_extremes(factor)) > 1
    clip = brightens if clip is None else clip
    transform = lambda x, rng, factor: np.clip(x * each(factor), 0, 1 if clip else None)
    return Part(
        "gain",
        {"factor": factor, **({"clip": True} if clip else {})},
        by(transform, {"factor": factor}, rounded),
        GROUP,
        _scope(factor),
        "reduced" if clip else "preserved",
        _way(rounded),
    )


def offset(amount: Parameter, rounded: bool = False) -> Part:
    transform = lambda x, rng, amount: np.minimum(np.maximum(x + each(amount), 0), 1)
    return Part(
        "offset",
        {"amount": amount},
        by(transform, {"amount": amount}, rounded),
        GROUP,
        _scope(amount),
        "reduced",
        _way(rounded),
    )


def gamma(exponent: Parameter, rounded: bool = False) -> Part:
    """Through a table of 256 values where it is rounded, as image programs do it."""

    def transform(x: np.ndarray, rng: np.random.Generator, exponent: np.ndarray) -> np.ndarray:
        if not rounded:
            return np.power(x, each(exponent))
        tables = np.rint(255 * np.linspace(0, 1, 256) ** exponent[:, None])
        return np.stack([table[np.rint(255 * one).astype(int)] / 255 for table, one in zip(tables, x, strict=True)])

    return Part(
        "gamma",
        {"exponent": exponent},
        by(transform, {"exponent": exponent}),
        GROUP,
        _scope(exponent),
        "preserved",
        _way(rounded),
    )


def threshold(level: Parameter) -> Part:
    transform = lambda x, rng, level: np.where(x > each(level), 1.0, 0.0)
    return Part("threshold", {"level": level}, by(transform, {"level": level}), GROUP, _scope(level))


def quantize(levels: Parameter) -> Part:
    """Each value goes to the nearest of the levels."""

    def transform(x: np.ndarray, rng: np.random.Generator, levels: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for i, count in enumerate(levels.astype(int)):
            middles = (np.arange(count - 1) + 0.5) / (count - 1)
            out[i] = np.digitize(x[i], middles) / (count - 1)
        return out

    return Part("quantize", {"levels": levels}, by(transform, {"levels": levels}), GROUP, _scope(levels))


def rescale(scale: Parameter, offset: Parameter = 0.0) -> Part:
    transform = lambda x, rng, scale, offset: each(offset) + x * each(scale)
    parameters = {"scale": scale, "offset": offset}
    # No offset is `gain`, unless it is a change of units.
    also = (Answer("gain", {"factor": scale}, _scope(scale)),) if offset == 0 and scale not in (255.0, 1 / 255) else ()
    return Part("rescale", parameters, by(transform, parameters), GROUP, _scope(scale, offset), "preserved", also=also)


def _scope(*values: Parameter) -> str:
    return "per_image" if any(isinstance(v, dict) for v in values) else "shared"


def _extremes(value: Parameter) -> list[float]:
    if isinstance(value, dict):
        return value.get("values") or [value["low"], value["high"]]
    return [value]


def _way(rounded: bool) -> str:
    return "bytes" if rounded else "float"
