"""The method of simulated moments (McFadden 1989).

The estimate is the parameters whose simulated moments match the measured ones. For families whose draws can't be
inferred image by image. The random numbers are the same for all parameters that are tried, so that moments vary with
the parameters alone.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.optimize import OptimizeResult, minimize, minimize_scalar

Moments = Callable[[Float64[np.ndarray, "k"]], Float64[np.ndarray, "m"]]

FAR = 1e6  # the distance of parameters that can't be simulated


def matched(
    moments: Moments,
    measured: Float64[np.ndarray, "m"],
    starts: Float64[np.ndarray, "g k"],
    step: Float64[np.ndarray, "k"],
    tries: int = 60,
    hopeless: float = np.inf,
) -> tuple[Float64[np.ndarray, "k"], float]:
    """The parameters whose moments are nearest to the measured ones, and the squared distance.

    A simplex search (Nelder and Mead 1965) from the best of the starts, with the given step; from one as far away as
    `hopeless` none is made. Moments are in units of their tolerance.

    >>> best, distance = matched(lambda p: p**2, np.array([4.0]), np.array([[1.0], [3.0]]), np.array([0.5]))
    >>> round(float(best[0]), 2)
    2.0
    """

    def distance(p: np.ndarray) -> float:
        difference = moments(p) - measured
        return float(np.minimum(difference @ difference, FAR)) if np.isfinite(difference).all() else FAR

    distances = [distance(start) for start in starts]
    start = starts[int(np.argmin(distances))]
    if min(distances) >= hopeless:
        return start, min(distances)
    simplex = np.stack([start, *(start + np.diag(step))])
    options = {"initial_simplex": simplex, "maxfev": tries, "xatol": 1e-3, "fatol": 1e-3}
    result = minimize(distance, start, method="Nelder-Mead", options=options)
    return result.x, float(result.fun)


def lowest(
    distance: Callable[[float], float], low: float, high: float, tries: int = 60, near: float = 1e-4
) -> tuple[float, float]:
    """A minimum of a function between two numbers, and its value there (Brent 1973).

    >>> at, height = lowest(lambda x: (x - 2) ** 2, 0.0, 5.0)
    >>> round(at, 3), round(height, 3)
    (2.0, 0.0)
    """
    options = {"maxiter": tries, "xatol": near}
    result = minimize_scalar(distance, bounds=(low, high), method="bounded", options=options)
    assert isinstance(result, OptimizeResult)  # SciPy's own annotation forgets it
    return float(result["x"]), float(result["fun"])
