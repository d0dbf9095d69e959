"""Estimating parameters by simulated moments (McFadden 1989): the ones under which what is made looks like what was found.

For families whose draws can't be found out again, image by image: a few numbers (moments) say what a shift of given
parameters leaves, on average, and the same are measured on the shifted images. The draws are the same for all
parameters that are tried, so that moments move with the parameters alone.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.optimize import OptimizeResult, minimize, minimize_scalar

Moments = Callable[[Float64[np.ndarray, "k"]], Float64[np.ndarray, "m"]]

FAR = 1e6  # the distance of parameters that can't be made


def matched(
    moments: Moments,
    found: Float64[np.ndarray, "m"],
    starts: Float64[np.ndarray, "g k"],
    step: Float64[np.ndarray, "k"],
    tries: int = 60,
) -> tuple[Float64[np.ndarray, "k"], float]:
    """The parameters whose moments are nearest to those found, and how far these still are.

    From the best of the starts a simplex of the given step goes downhill (Nelder and Mead 1965). Moments come in units of
    what counts as near.

    >>> best, distance = matched(lambda p: p**2, np.array([4.0]), np.array([[1.0], [3.0]]), np.array([0.5]))
    >>> round(float(best[0]), 2)
    2.0
    """

    def distance(p: np.ndarray) -> float:
        away = moments(p) - found
        return float(np.minimum(away @ away, FAR)) if np.isfinite(away).all() else FAR

    distances = [distance(start) for start in starts]
    start = starts[int(np.argmin(distances))]
    simplex = np.stack([start, *(start + np.diag(step))])
    options = {"initial_simplex": simplex, "maxfev": tries, "xatol": 1e-3, "fatol": 1e-3}
    result = minimize(distance, start, method="Nelder-Mead", options=options)
    return result.x, float(result.fun)


def lowest(
    distance: Callable[[float], float], low: float, high: float, tries: int = 60, near: float = 1e-4
) -> tuple[float, float]:
    """Where between two numbers a function has a minimum, and how low it is there (Brent 1973).

    >>> at, height = lowest(lambda x: (x - 2) ** 2, 0.0, 5.0)
    >>> round(at, 3), round(height, 3)
    (2.0, 0.0)
    """
    options = {"maxiter": tries, "xatol": near}
    result = minimize_scalar(distance, bounds=(low, high), method="bounded", options=options)
    assert isinstance(result, OptimizeResult)  # SciPy's own annotation forgets it
    return float(result["x"]), float(result["fun"])
