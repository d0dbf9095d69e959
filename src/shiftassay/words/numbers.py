"""Numbers, shares, intervals and p-values as they stand in sentences and tables."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

DASH = "–"  # where there is no number


class Ends(Protocol):
    """An estimate with the two ends of its interval, whatever holds them."""

    @property
    def estimate(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


def minus(text: str) -> str:
    """Numbers with a typographer's minus."""
    return text.replace("-", "−")


def number(value: float | None, digits: int | None = None, sign: bool = False) -> str:
    """A number with so many digits after the point, or as many as it needs; a dash for none.

    >>> number(-0.125), number(1.5, 2), number(2.0, 1, sign=True), number(None)
    ('−0.125', '1.50', '+2.0', '–')
    """
    if value is None:
        return DASH
    plus = "+" if sign else ""
    return minus(f"{value:{plus}g}" if digits is None else f"{value:{plus}.{digits}f}")


def percent(share: float, digits: int | None = None) -> str:
    """A share. With as many digits as it needs, it is never rounded to all or none.

    >>> percent(0.9862, 2), percent(0.438), percent(0.004), percent(0.9999), percent(1.0), percent(0.0)
    ('98.62%', '44%', '0.4%', '> 99.9%', '100%', '0%')
    """
    if digits is not None:
        return f"{minus(f'{100 * share:.{digits}f}')}%"
    if share in (0, 1):
        return f"{100 * share:.0f}%"
    if share > 0.999:
        return "> 99.9%"
    return f"{100 * share:.0f}%" if 0.0995 <= share <= 0.99 else f"{100 * share:.1f}%"


def points(share: float, digits: int = 2, sign: bool = False) -> str:
    """A share, or a difference of shares, in percentage points, without the unit.

    >>> points(-0.0314), points(0.0314, 1, sign=True)
    ('−3.14', '+3.1')
    """
    return number(100 * share, digits, sign)


def brackets(interval: Ends | Sequence[float] | None, *, scale: float = 100, digits: int = 2) -> str:
    """The ends of an interval, by default of shares in percentage points; a dash for none.

    >>> brackets([-0.01, 0.005]), brackets([0.125, 2], scale=1, digits=1), brackets(None)
    ('[−1.00, 0.50]', '[0.1, 2.0]', '–')
    """
    if interval is None:
        return DASH
    low, high = interval if isinstance(interval, Sequence) else (interval.low, interval.high)
    return minus(f"[{scale * low:.{digits}f}, {scale * high:.{digits}f}]")


def points_with_interval(interval: Ends, digits: int = 2, sign: bool = False) -> str:
    """A share, or a difference of shares, with its interval, in percentage points.

    >>> from types import SimpleNamespace
    >>> points_with_interval(SimpleNamespace(estimate=0.0314, low=0.0289, high=0.0341), 1, sign=True)
    '+3.1 [2.9, 3.4]'
    """
    return f"{points(interval.estimate, digits, sign)} {brackets(interval, digits=digits)}"


def percent_with_interval(interval: Ends, digits: int = 2) -> str:
    """A share with its interval.

    >>> from types import SimpleNamespace
    >>> percent_with_interval(SimpleNamespace(estimate=0.9862, low=0.9837, high=0.9883))
    '98.62% [98.37, 98.83]'
    """
    return f"{percent(interval.estimate, digits)} {brackets(interval, digits=digits)}"


def mean_sd(values: Sequence[float] | np.ndarray, scale: float = 1, digits: int = 2) -> str:
    """Mean ± standard deviation; the value alone if there is one.

    >>> mean_sd([0.991, 0.993], 100)
    '99.20 ± 0.14'
    """
    mean = number(scale * float(np.mean(values)), digits)
    return f"{mean} ± {scale * float(np.std(values, ddof=1)):.{digits}f}" if len(values) > 1 else mean


def p_value(p: float) -> str:
    """A p-value as it stands after the p of a sentence; never 0.

    >>> p_value(0.0312), p_value(1e-9)
    ('=\\xa00.031', '<\\xa00.0001')
    """
    return "<\u00a00.0001" if p < 1e-4 else f"=\u00a0{p:.2g}"


def p_cell(p: float | None) -> str:
    """A p-value in a table; a dash for none."""
    return DASH if p is None else p_value(p).removeprefix("=\u00a0")


def in_bytes(size: int) -> str:
    """A size in memory or on a disk.

    >>> in_bytes(700), in_bytes(3 << 20), in_bytes(5 << 29), in_bytes(10**400)
    ('700 bytes', '3.0 MiB', '2.5 GiB', 'over 1,024 PiB')
    """
    if size < 1 << 10:
        return f"{size} bytes"
    for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB"), 1):
        if size < 1 << 10 * (power + 1):
            return f"{size / (1 << 10 * power):.1f} {unit}"
    return "over 1,024 PiB"


def parameter(value: Any) -> str:
    """A parameter of a shift, given as JSON: a number, a list, or how it is drawn.

    >>> parameter(15.0), parameter({"low": -90, "high": 90}), parameter({"values": [-15, 15]}), parameter([2, 1, 0])
    ('15', '-90 … 90', '±15', '[2, 1, 0]')
    >>> parameter(list(range(784))), parameter(True)
    ('784 places', 'true')
    """
    if isinstance(value, dict) and "family" in value:
        return value["family"]
    if isinstance(value, dict) and "values" in value:
        values = value["values"]
        if len(values) == 2 and not isinstance(values[0], list) and values[0] == -values[1]:
            return f"±{abs(values[0]):g}"
        return " or ".join(map(parameter, values))
    if isinstance(value, dict):
        return f"{value['low']:g} … {value['high']:g}"
    if isinstance(value, list):
        return f"{len(value)} places" if len(value) > 8 else f"[{', '.join(map(parameter, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:g}"
