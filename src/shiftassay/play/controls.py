"""From what a family declares of its parameters to the controls that set them on a page."""

import dataclasses
import inspect
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from shiftassay.errors import BadInput
from shiftassay.records import JsonValue, Record
from shiftassay.shifts.catalog import make, parse
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.parameters import Parameters, Uniform

REACH = 3  # times the example's value, where a family declares no range
POSITIONS = 200  # of a slider, at least
WIDE = 1000  # a positive range with this ratio of its ends, or more, is passed through in ratios
LONGEST, LARGEST = 200, 1000  # of a list: how many numbers, and how large

Kind = Literal["number", "whole", "flag", "choice", "list", "text"]


@dataclasses.dataclass(frozen=True)
class Control(Record):
    """One parameter of a family as something to set.

    `number` and `whole` lie between `low` and `high`, in steps of `step`, or in equal ratios if `in_ratios`; `varies`:
    each image may have its own. A `choice` is one of `choices`. `about` is what the family says of the parameter.
    """

    name: str
    kind: Kind
    value: JsonValue
    about: str = ""
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    in_ratios: bool = False
    varies: bool = False
    choices: tuple[str | None, ...] = ()

    def check(self, value: JsonValue, family: str) -> None:
        """Raise `BadInput` for a value that the control can't be set to."""
        place = f"{family}: {self.name}"
        if self.kind in ("number", "whole"):
            ends = value.values() if isinstance(value, dict) and set(value) == {"low", "high"} else [value]
            for end in ends:
                if isinstance(end, bool) or not isinstance(end, int | float) or not self.low <= end <= self.high:
                    raise BadInput(f"{place} is a number from {self.low:g} to {self.high:g}, not {end!r}.")
        elif self.kind == "list":
            numbers = list(islice(_flat(value), LONGEST + 1))
            if len(numbers) > LONGEST or not all(isinstance(n, int | float) and abs(n) <= LARGEST for n in numbers):
                raise BadInput(f"{place} is a list of at most {LONGEST} numbers from {-LARGEST} to {LARGEST}.")


@dataclasses.dataclass(frozen=True)
class FamilyControls(Record):
    """A family, what it does, why that hurts, and its controls.

    `varies`: some of its parameters can be drawn afresh for each image; `drawn`: something of it is drawn at random.
    """

    family: str
    group: str
    about: str
    why: str
    controls: tuple[Control, ...]
    varies: bool
    drawn: bool

    def shift(self, parameters: Parameters, per_image: bool) -> Shift:
        """The shift with these settings; what is not given is as in the example.

        Raises `BadInput`.
        """
        known = {control.name: control for control in self.controls}
        for name, value in parameters.items():
            if name not in known:
                raise BadInput(f"{self.family}: {name!r} has no control here.")
            known[name].check(value, self.family)
        if per_image and not self.varies:
            raise BadInput(f"{self.family}: it can't be drawn afresh for each image.")
        settings = {name: control.value for name, control in known.items()} | dict(parameters)
        given = {name: value for name, value in settings.items() if value is not None}
        return make(self.family, given, "per_image" if per_image else None)


def controls_of(family: str) -> FamilyControls:
    """The controls of a family, set to its example.

    A slider spans the family's `ranges`, else what its search, grid or strengths span, else some times its example.
    Parameters that are drawn where none are given, such as permutations, have no control.

    >>> angle, fill = controls_of("rotate").controls
    >>> angle.kind, angle.low, angle.high, angle.value, angle.varies
    ('number', -180.0, 180.0, 15.0, True)
    >>> fill.kind, fill.value
    ('choice', 'black')
    """
    cls = FAMILIES[family]
    example = parse(f"{family}:{cls.example}")
    texts = _documented(cls)
    hints = get_type_hints(cls)
    fields = sorted((f for f in dataclasses.fields(cls) if f.name != "scope"), key=lambda field: field.kw_only is True)
    made = [_control(cls, field.name, hints[field.name], example, texts.get(field.name, "")) for field in fields]
    controls = tuple(control for control in made if control is not None)
    drawn = example.scope == "per_image" or len(controls) < len(fields)
    varies = set(cls.scopes) == {"shared", "per_image"} and (drawn or any(control.varies for control in controls))
    about = inspect.getdoc(cls) or ""
    return FamilyControls(family, cls.group, " ".join(about.split("\n\n")[0].split()), cls.why, controls, varies, drawn)


def _control(cls: type[Shift], name: str, hint: Any, example: Shift, about: str) -> Control | None:
    """The control of a parameter; None where there is nothing to set.

    That is: it can have only one value, or the example leaves it alone and it is no choice.
    """
    value = example.parameters.get(name, cls.defaults().get(name))
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    first = kinds[0]
    if get_origin(first) is Literal:
        return Control(name, "choice", value, about, choices=(*([None] if NoneType in kinds else []), *get_args(first)))
    if value is None:
        return None
    if first is bool:
        return Control(name, "flag", value, about)
    if first is str:
        return Control(name, "text", value, about)
    if first not in (int, float):
        return Control(name, "list", value, about)
    low, high = _range(cls, name, float(value))
    step = 1.0 if first is int else _round_step((high - low) / POSITIONS)
    low, high = (_furthest(first(end), first(step), name, example) for end in (low, high))
    if low == high:  # nothing else is possible
        return None
    return Control(
        name,
        "whole" if first is int else "number",
        value,
        about,
        float(low),
        float(high),
        step,
        in_ratios=low > 0 and high / low >= WIDE and high > 1,
        varies=Uniform in kinds,
    )


def _range(cls: type[Shift], name: str, value: float) -> tuple[float, float]:
    """The least and the largest value of a slider."""
    if name in cls.ranges:
        return cls.ranges[name]
    search = {**cls.joint_search, **cls.search}.get(name)
    tried = [float(point[name]) for point in cls.grid if isinstance(point.get(name), int | float)]
    tried += search.starts if search is not None else ()
    low, high = min([value, *tried]), max([value, *tried])
    if cls.strengths is not None and name in cls.derivative_free:
        low, high = min(low, cls.strengths[0]), high if tried else cls.strengths[1]
    elif len(set(tried)) < 2:
        low, high = min(0.0, REACH * low), max(0.0, REACH * high)
    if low < 0 < high:
        low, high = -max(-low, high), max(-low, high)
    if search is not None and search.step:
        low, high = max(low, search.low), min(high, search.high)
    return (-1.0, 1.0) if low == high else (float(f"{low:.6g}"), float(f"{high:.6g}"))


def _furthest(end: int | float, step: int | float, name: str, example: Shift) -> int | float:
    """The end of a range, or what the family allows of it.

    That is a whole number of steps from the example's value.
    """
    if _allows(example, name, end):
        return end
    value = example.parameters[name]
    towards = step if end > value else -step
    steps = bisect_left(
        range(1, int(abs(end - value) / step) + 1), True, key=lambda n: not _allows(example, name, value + n * towards)
    )
    return type(end)(f"{value + steps * towards:.6g}")


def _allows(example: Shift, name: str, value: int | float) -> bool:
    try:
        dataclasses.replace(example, **{name: value})
    except BadInput:
        return False
    return True


def _round_step(largest: float) -> float:
    """The largest of 1, 2, 5, 10, … times a power of ten that is no larger.

    >>> _round_step(1.8), _round_step(0.0051)
    (1.0, 0.005)
    """
    power = 10 ** math.floor(math.log10(largest))
    return float(f"{next(step for step in (5, 2, 1) if step * power <= largest) * power:.6g}")


def _documented(cls: type[Shift]) -> dict[str, str]:
    """What the docstring of a family, or of one that it extends, says of each parameter."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, section = (inspect.cleandoc(base.__doc__ or "")).partition("Parameters:\n")
        entries = re.findall(r"^    (\w+): (.*(?:\n      +.*)*)", section, flags=re.MULTILINE)
        texts |= {name: " ".join(text.replace("`", "").split()) for name, text in entries}
    return texts


def _flat(value: JsonValue) -> Iterator[JsonValue]:
    """The entries of a list, and of the lists in it."""
    rest = [value]
    while rest:
        entry = rest.pop()
        if isinstance(entry, list | tuple):
            rest += entry
        else:
            yield entry
