"""From a name to a shift, and from a shift to shifted images."""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import PlainValidator

from shiftassay.errors import BadInput, unknown_name
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.items import ImageSource
from shiftassay.imagesets.items import image_set as as_image_set
from shiftassay.random_stream import seed_for
from shiftassay.shifts.family import FAMILIES, Context, Scope, Shift
from shiftassay.shifts.parameters import Choice, Parameters, Uniform
from shiftassay.shifts.presets.mnist_c import CORRUPTIONS

PREFIX = "mnist_c:"


def make(family: str, parameters: Parameters | None = None, scope: str | None = None) -> Shift:
    """A shift from its name, its parameters and its scope (the family's default if None).

    Raises `BadInput`.

    >>> print(make("rotate", {"angle": {"low": -45, "high": 45}}, "per_image"))
    rotate (angle = -45 … 45), drawn afresh for each image
    >>> print(make("mnist_c:rotate", {"severity": 1}))
    rotate (angle = ±11.4592), drawn afresh for each image
    """
    parameters = parameters or {}
    if family.startswith(PREFIX):
        return _preset(family, parameters, scope)
    check_names(family, parameters)
    cls = FAMILIES[family]
    hints = get_type_hints(cls)
    values = {name: _typed(value, hints[name], f"{family}: {name}") for name, value in parameters.items()}
    return cls(**values, **({"scope": _typed(scope, Scope, f"{family}: scope")} if scope else {}))


def from_json(content: Any) -> Shift:
    """The shift that `Shift.to_json` wrote; a shift is returned as it is.

    Raises `BadInput` for anything else.

    >>> from_json({"family": "rotate", "parameters": {"angle": 15.0}, "scope": "shared"})
    Rotate(scope='shared', fill='black', angle=15.0)
    """
    if isinstance(content, Shift):
        return content
    if not isinstance(content, Mapping) or not {"family"} <= set(content) <= {"family", "parameters", "scope"}:
        raise BadInput("expected a shift as JSON, such as {'family': 'rotate', 'parameters': {'angle': 15}}.")
    family, parameters, scope = content["family"], content.get("parameters"), content.get("scope")
    if not isinstance(family, str):
        raise BadInput(f"a shift's family is its name as text, not {family!r}.")
    named = isinstance(parameters, Mapping) and all(isinstance(name, str) for name in parameters)
    if not (named or parameters is None) or not isinstance(scope, str | None):
        raise BadInput(f"{family}: its parameters are an object, and its scope is text or null.")
    return make(family, parameters, scope)


ShiftField = Annotated[Shift, PlainValidator(from_json)]
"""A shift as a field of a record."""


def check_names(family: str, parameters: Iterable[str]) -> None:
    """Raise `BadInput` for unknown or missing names.

    That is: an unknown family or parameter, or a missing parameter without a default.
    """
    fields = {field.name: field for field in dataclasses.fields(FAMILIES[family]) if field.name != "scope"}
    names = set(parameters)
    for name in names - set(fields):
        raise unknown_name(f"parameter of {family}", name, fields)
    if family == "compose" and "parts" not in names:
        raise BadInput("compose: needs parts, for example rotate:angle=15+gain:factor=0.5.")
    missing = [name for name in fields if name not in names | set(FAMILIES[family].defaults())]
    if missing:
        raise BadInput(f"{family}: needs {', '.join(missing)}, for example {family}:{FAMILIES[family].example}.")


def attacks() -> list[str]:
    """The families that are aimed at a model."""
    return [name for name in FAMILIES if FAMILIES[name].group == "attack"]


def presets() -> dict[str, Shift]:
    """The named presets, each at the severity of the published data set.

    >>> str(presets()["mnist_c:brightness"])
    'offset (amount = 0.5), the same for all images'
    """
    return {PREFIX + name: corruption.at_severity() for name, corruption in CORRUPTIONS.items()}


def parse(text: str) -> Shift:
    """A shift from its form on the command line, `family:name=value,…`.

    `scope` is a name like any other. `low..high` is a uniform distribution, `a|b` a choice; lists stand in brackets;
    `+` joins shifts. Raises `BadInput`.

    >>> parse("rotate:angle=-45..45,scope=per_image").parameters
    {'angle': {'low': -45.0, 'high': 45.0}}
    >>> parse("translate:dx=-2|2,dy=0").parameters
    {'dx': {'values': [-2.0, 2.0]}, 'dy': 0.0}
    >>> parse("mnist_c:scale:severity=5").parameters
    {'factor': 0.5}
    >>> print(parse("rotate:angle=15+gain:factor=0.4"))
    rotate (angle = 15), the same for all images; then gain (factor = 0.4), the same for all images
    """
    several = re.split(r"\+(?=[a-z])", text)
    if len(several) > 1:
        return make("compose", {"parts": [parse(part).to_json() for part in several]})
    family, _, rest = text.partition(":")
    if family + ":" == PREFIX:
        name, _, rest = rest.partition(":")
        family = PREFIX + name
    pairs = [pair.partition("=") for pair in _split(rest, ",") if pair]
    if any(not equals for _, equals, _ in pairs):
        raise BadInput(f"{text!r}: expected family:name=value,name=value, for example rotate:angle=15.")
    parameters = {name.strip(): _read(value.strip()) for name, _, value in pairs}
    if len(parameters) < len(pairs):
        raise BadInput(f"{text!r}: a parameter is given twice. Give each once.")
    scope = parameters.pop("scope", None)
    return make(family, parameters, scope)


def shift(image_set: ImageSource, by: Shift | str, seed: int = 0, context: Context | None = None) -> ImageSet:
    """Shift an image set, reproducibly: the same seed gives the same images. Raises `BadInput`.

    >>> two = ImageSet(np.array([[[[0.0, 0.5]]], [[[0.25, 1.0]]]], np.float32))
    >>> shift(two, "gain:factor=0.5").images.ravel().tolist()
    [0.0, 0.25, 0.125, 0.5]
    """
    by = parse(by) if isinstance(by, str) else by
    image_set = as_image_set(image_set)
    realized = by.realize(image_set.shape, generator(by, seed, "shared"))
    shifted = realized.apply_to_set(image_set, generator(by, seed, "per_image"), context)
    if not np.isfinite(shifted.images).all():
        raise BadInput(
            f"{by}: its result holds NaN or infinity. Choose smaller parameters, and images that are finite."
        )
    return dataclasses.replace(shifted, name=f"{image_set.name} under {by}", unit=1.0, integer=False, notes=())


def generator(by: Shift, seed: int, name: str) -> np.random.Generator:
    """The generator that a shift draws from: `shared` for `realize`, `per_image` for `apply`."""
    return np.random.default_rng(seed_for(seed, by.family, name))


def _preset(name: str, parameters: Parameters, scope: str | None) -> Shift:
    if name.removeprefix(PREFIX) not in CORRUPTIONS:
        raise unknown_name("preset", name, presets())
    for parameter in set(parameters) - {"severity"}:
        raise unknown_name(f"parameter of {name}", parameter, ["severity"])
    corruption = CORRUPTIONS[name.removeprefix(PREFIX)]
    severity = _typed(parameters["severity"], int, f"{name}: severity") if parameters else None
    preset = corruption.at_severity(severity)
    if scope not in (None, preset.scope):
        raise BadInput(f"{name}: its scope is {preset.scope}, not {scope!r}.")
    return preset


def _typed(value: Any, hint: Any, where: str) -> Any:
    """A value from JSON, TOML or the command line, converted to the type of its field.

    Raises `BadInput`.
    """
    if get_origin(hint) is Union:  # of a literal, and None or numbers
        literal, *others = get_args(hint)
        numeric = [kind for kind in others if kind is not NoneType]
        if value is None and numeric != others:
            return None
        return _typed(value, literal if isinstance(value, str) or not numeric else reduce(or_, numeric), where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise BadInput(f"{where}: expected {' or '.join(map(str, get_args(hint)))}, found {value!r}.")
        return value
    hints = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    kinds = [get_origin(kind) or kind for kind in hints]
    if isinstance(value, str) and Uniform in kinds and (".." in value or "|" in value):
        value = _read(value)
    if isinstance(value, kinds[0]) and kinds[0] not in (int, float, tuple):
        return value
    if isinstance(value, dict) and set(value) == {"values"} and isinstance(value["values"], list) and Choice in kinds:
        return Choice(tuple(_typed(v, hints[0], where) for v in value["values"]))
    if isinstance(value, dict) and set(value) <= {"family", "parameters", "scope"} and Shift in kinds:
        return from_json(value)
    numbers = [v for v in (value.values() if isinstance(value, dict) else [value]) if isinstance(v, int | float)]
    if not all(map(math.isfinite, numbers)):
        raise BadInput(f"{where}: expected finite numbers, found {value!r}.")
    if isinstance(value, dict) and set(value) == {"low", "high"} and len(numbers) == 2 and Uniform in kinds:
        if value["low"] > value["high"]:
            raise BadInput(
                f"{where}: the range {value['low']:g}..{value['high']:g} is backwards. Put the lower end first."
            )
        return Uniform(float(value["low"]), float(value["high"]))
    if isinstance(value, list | tuple) and tuple in kinds:
        return _typed_each(value, get_args(hints[kinds.index(tuple)]), where)
    if isinstance(value, int | float) and not isinstance(value, bool) and float in kinds:
        return float(value)
    if isinstance(value, float) and value.is_integer() and int in kinds:
        return int(value)
    if not isinstance(value, tuple(kinds)) or (isinstance(value, bool) and bool not in kinds):
        drawn = ", or low..high" if Uniform in kinds else ""
        named = " or ".join(
            {float: "a number", int: "a whole number", bool: "true or false", Shift: "a shift"}.get(k, "a list")
            for k in kinds[:1]
        )
        raise BadInput(f"{where}: expected {named}{drawn}, found {value!r}.")
    return value


def _typed_each(values: list | tuple, hints: tuple, where: str) -> tuple:
    """A list as a tuple: of any length, or of the length of its type."""
    if hints[-1] is ...:
        hints = hints[:1] * len(values)
    if len(hints) != len(values):
        raise BadInput(f"{where}: expected a list of {len(hints)}, found {len(values)}.")
    return tuple(_typed(v, hint, where) for v, hint in zip(values, hints, strict=True))


def _read(text: str) -> Any:
    if "|" in text:
        return {"values": [_read(part) for part in text.split("|")]}
    if text.startswith("["):
        if not text.endswith("]"):
            raise BadInput(f"{text!r}: the list is not closed. Write it as [1,2,3].")
        return [_read(part.strip()) for part in _split(text[1:-1], ",") if part.strip()]
    low, dots, high = text.partition("..")
    try:
        return {"low": float(low), "high": float(high)} if dots else float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text, text)


def _split(text: str, separator: str) -> list[str]:
    """The parts of a text between separators outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
