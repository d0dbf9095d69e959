"""Numbers as the findings of a study write them."""

from collections.abc import Sequence

import numpy as np

from shiftassay.evaluation.sentence import minus, p_value


def mean_sd(values: Sequence[float] | np.ndarray, scale: int | float = 1, digits: int = 2) -> str:
    """Mean ± sd; the value alone if there is one.

    >>> mean_sd([0.991, 0.993], 100)
    '99.20 ± 0.14'
    """
    mean = f"{scale * float(np.mean(values)):.{digits}f}"
    return minus(f"{mean} ± {scale * float(np.std(values, ddof=1)):.{digits}f}" if len(values) > 1 else mean)


def interval_text(interval: Sequence[float] | None, scale: int | float = 1, digits: int = 2) -> str:
    """The ends of an interval; a dash where one seed gives none.

    >>> interval_text([-0.5, 0.25]), interval_text(None)
    ('[−0.50, 0.25]', '–')
    """
    return "–" if interval is None else minus(f"[{scale * interval[0]:.{digits}f}, {scale * interval[1]:.{digits}f}]")


def points(share: float, digits: int = 2) -> str:
    """A share in points."""
    return minus(f"{100 * share:.{digits}f}")


def p_text(p: float | None) -> str:
    """A p-value in a table."""
    return "–" if p is None else p_value(p).removeprefix("=\u00a0")


def listed(items: Sequence[str]) -> str:
    """Items in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
