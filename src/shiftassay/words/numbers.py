"""Numbers, shares, intervals and p-values as they stand in sentences and tables."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any, Protocol

import numpy as np

DASH = "–"  # where there is no number
NEGLIGIBLE = 1e-6  # of the largest number of a list: shown as 0

Parameters = Mapping[str, Any]
"""A shift's parameters, or their intervals, by name, as JSON: what `shifts.parameters` defines above words."""


class Ends(Protocol):
    """An estimate with the two ends of its interval."""

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

    >>> percent(0.9862, 2), percent(0.438), percent(0.953), percent(0.004), percent(0.9999), percent(1.0), percent(1.5)
    ('98.62%', '44%', '95.3%', '0.4%', '> 99.9%', '100%', '150.0%')
    """
    if digits is not None:
        return f"{points(share, digits)}%"
    if share in (0, 1):
        return f"{100 * share:.0f}%"
    if 0.999 < share < 1:
        return "> 99.9%"
    return f"{100 * share:.0f}%" if 0.0995 <= share <= 0.9 else f"{100 * share:.1f}%"


def points(share: float, digits: int = 2, sign: bool = False) -> str:
    """A share, or a difference of shares, in percentage points, without the unit.

    >>> points(-0.0314), points(0.0314, 1, sign=True)
    ('−3.14', '+3.1')
    >>> points(0.0725, 1) == points(1 - 0.9275, 1)
    True
    """
    # Rounded twice, so that a share is written alike whatever it was computed from.
    return number(round(100 * share, 9), digits, sign)


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


def times(ratio: Ends) -> str:
    """A ratio with its interval, to three digits.

    >>> from types import SimpleNamespace
    >>> times(SimpleNamespace(estimate=1.2391, low=1.1087, high=1.3898))
    '1.24 times [1.11, 1.39]'
    >>> times(SimpleNamespace(estimate=62, low=57, high=67.4))
    '62.0 times [57.0, 67.4]'
    """
    digits = 2 if ratio.estimate < 10 else 1 if ratio.estimate < 100 else 0
    return f"{ratio.estimate:,.{digits}f} times [{ratio.low:,.{digits}f}, {ratio.high:,.{digits}f}]"


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


def parameter(value: Any, interval: Any = None, digits: int = 6) -> str:
    """A parameter of a shift, from its JSON.

    A number with its interval if it has one, a list, or how it is drawn.

    >>> parameter(15.0), parameter({"low": -90, "high": 90}), parameter({"values": [-15, 15]}), parameter([2, 1, 0])
    ('15', '-90 … 90', '±15', '[2, 1, 0]')
    >>> parameter(list(range(784))), parameter(True), parameter(15.0, [14.9, 15.1])
    ('784 places', 'true', '15 [14.9, 15.1]')
    >>> parameter({"mean": 1.0, "sd": 15.0, "low": -15.0, "high": 15.0})
    '-15 … 15, mean 1, sd 15'
    >>> parameter([[0.9, 0.4, 8e-08], [-0.4, 0.9, 0]])
    '[[0.9, 0.4, 0], [-0.4, 0.9, 0]]'
    """
    if isinstance(value, Mapping) and "family" in value:
        return value["family"]
    if isinstance(value, Mapping) and "mean" in value:
        return _summary(value, digits)
    if isinstance(value, Mapping) and "values" in value:
        values = value["values"]
        if len(values) == 2 and not isinstance(values[0], list) and values[0] == -values[1]:
            return f"±{abs(values[0]):g}"
        return " or ".join(parameter(v, digits=digits) for v in values)
    if isinstance(value, Mapping):
        return f"{value['low']:.{digits}g} … {value['high']:.{digits}g}"
    if isinstance(value, list | tuple) and len(value) > 8:
        return f"{len(value)} {'places' if all(isinstance(v, int) for v in value) else 'numbers'}"
    if isinstance(value, list | tuple):
        largest = max((abs(v) for v in value if isinstance(v, float)), default=0.0)
        shown = (0 if isinstance(v, float) and abs(v) < NEGLIGIBLE * largest else v for v in value)
        return f"[{', '.join(parameter(v, digits=digits) for v in shown)}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else str(value).lower()
    if not _is_interval(interval):
        return f"{value:.{digits}g}"
    number, low, high = to_interval([value, *interval], *interval)
    return number if low == high else f"{number} [{low}, {high}]"


def to_interval(values: Sequence[float], low: float, high: float) -> list[str]:
    """Numbers with as many digits as the width of an interval supports, at most five.

    The width's second digit is the last one.

    >>> to_interval([15.0, 14.966, 15.018], 14.966, 15.018), to_interval([-0.000537, -0.00103], -0.00103, -0.0000464)
    (['15', '14.966', '15.018'], ['-0.00054', '-0.00103'])
    >>> to_interval([14.9999966, 14.999995], 14.999995, 14.9999983)
    ['15', '15']
    """
    most = max(map(abs, values))
    places = 4 - floor(log10(most)) if most else 0
    if high > low:
        places = min(places, 1 - floor(log10(high - low)))
    texts = [f"{round(value, places) + 0.0:.{max(places, 0)}f}" for value in values]
    return [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]


def _summary(value: Parameters, digits: int) -> str:
    """The distribution of a parameter drawn for each image.

    Its few values with their shares, or its range, mean and standard deviation.
    """
    if value.get("values"):
        return " or ".join(f"{parameter(v['value'], digits=digits)} ({percent(v['share'])})" for v in value["values"])
    if isinstance(value["mean"], list):
        return "varying"
    ends = f"{value['low']:.{digits}g} … {value['high']:.{digits}g}"
    return f"{ends}, mean {value['mean']:.3g}, sd {value['sd']:.3g}"


def _is_interval(interval: Any) -> bool:
    return isinstance(interval, Sequence) and len(interval) == 2 and all(isinstance(v, int | float) for v in interval)
