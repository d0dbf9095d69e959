"""Cases that add noise, drawn from NumPy's old generator or SciPy's distributions."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Parameter, Part, by, each
from scipy import stats

GROUP = "noise"


def parts() -> Iterator[Part]:
    for rounded in (False, True):
        for sd in (0.05, 0.15, 0.4):
            yield gaussian_noise(sd, rounded)
            yield fixed_pattern(sd, rounded)
        for half_width in (0.1, 0.25, 0.6):
            yield uniform_noise(half_width, rounded)
        for epsilon in (0.04, 0.1, 0.3):
            yield sign_noise(epsilon, rounded)
        for fraction in (0.02, 0.1, 0.3):
            yield impulse_noise(fraction, rounded)
        for sd in (0.15, 0.35, 0.6):
            yield speckle_noise(sd, rounded)
        for photons in (60.0, 12.0, 3.0):
            yield shot_noise(photons, rounded)
    yield gaussian_noise(0.15, clip=False)
    yield uniform_noise(0.25, clip=False)
    yield sign_noise(0.1, clip=False)
    yield speckle_noise(0.35, clip=False)
    yield shot_noise(12.0, clip=False)
    yield fixed_pattern(0.15, clip=False)
    yield gaussian_noise({"low": 0.05, "high": 0.4})
    yield impulse_noise({"low": 0.05, "high": 0.3})
    yield uniform_noise({"low": 0.1, "high": 0.5})


def gaussian_noise(sd: Parameter, rounded: bool = False, clip: bool = True) -> Part:
    transform = lambda x, rng, sd: x + each(sd) * _old(rng).normal(size=x.shape)
    return _part("gaussian_noise", {"sd": sd}, transform, rounded, clip)


def uniform_noise(half_width: Parameter, rounded: bool = False, clip: bool = True) -> Part:
    transform = lambda x, rng, half_width: x + each(half_width) * _old(rng).uniform(-1, 1, x.shape)
    return _part("uniform_noise", {"half_width": half_width}, transform, rounded, clip)


def sign_noise(epsilon: Parameter, rounded: bool = False, clip: bool = True) -> Part:
    transform = lambda x, rng, epsilon: x + each(epsilon) * np.where(_old(rng).normal(size=x.shape) < 0, -1, 1)
    return _part("sign_noise", {"epsilon": epsilon}, transform, rounded, clip)


def impulse_noise(fraction: Parameter, rounded: bool = False) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, fraction: np.ndarray) -> np.ndarray:
        hit = _old(rng).rand(*x.shape) < each(fraction)
        return np.where(hit, _old(rng).randint(0, 2, x.shape), x)

    return _part("impulse_noise", {"fraction": fraction}, transform, rounded, True)


def speckle_noise(sd: Parameter, rounded: bool = False, clip: bool = True) -> Part:
    transform = lambda x, rng, sd: x * stats.norm.rvs(1, np.broadcast_to(each(sd), x.shape), random_state=_old(rng))
    return _part("speckle_noise", {"sd": sd}, transform, rounded, clip)


def shot_noise(photons: Parameter, rounded: bool = False, clip: bool = True) -> Part:
    transform = lambda x, rng, photons: stats.poisson.rvs(x * each(photons), random_state=_old(rng)) / each(photons)
    return _part("shot_noise", {"photons": photons}, transform, rounded, clip)


def fixed_pattern(sd: float, rounded: bool = False, clip: bool = True) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, sd: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        pattern = sd[0] * _old(rng).normal(size=x.shape[1:])
        shifted = x + pattern
        return np.clip(shifted, 0, 1) if clip else shifted, {"pattern": pattern.ravel()}

    part = by(transform, {"sd": sd}, rounded)
    truth = {"sd": sd, **({} if clip else {"clip": False})}
    return Part("fixed_pattern", truth, part, GROUP, "shared", "reduced" if clip else "preserved", _way(rounded))


def _part(
    family: str, parameters: dict[str, Parameter], transform: Callable[..., np.ndarray], rounded: bool, clip: bool
) -> Part:
    def clipped(x: np.ndarray, rng: np.random.Generator, **values: np.ndarray) -> np.ndarray:
        shifted = transform(x, rng, **values)
        return np.clip(shifted, 0, 1) if clip else shifted

    truth = {**parameters, **({} if clip else {"clip": False})}
    return Part(family, truth, by(clipped, parameters, rounded), GROUP, "per_image", way=_way(rounded))


def _way(rounded: bool) -> str:
    return "bytes" if rounded else "float"


def _old(rng: np.random.Generator) -> np.random.RandomState:
    """NumPy's generator of old, seeded by the case's: its streams are others than the catalogue's."""
    return np.random.RandomState(rng.integers(2**32))
