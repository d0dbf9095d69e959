"""Every record of the project reads what it writes: instances are drawn from the annotations of its fields."""

import dataclasses
import importlib
import random
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from pydantic import BeforeValidator

import shiftassay
from shiftassay.diagnosis.adversarial import AdversarialEvidence
from shiftassay.diagnosis.ceiling.ceiling import Above, Ceiling
from shiftassay.models.classifier import ModelCard
from shiftassay.models.one_for_all import OneForAllCard
from shiftassay.records import Record
from shiftassay.report.finding import Finding, Table
from shiftassay.runs.recipe import Recipe, recipe_named
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.family import FAMILIES, Shift

ROOT = Path(shiftassay.__file__).parent
DRAWS = 8
PLAIN: dict[Any, Callable[[random.Random], Any]] = {
    float: lambda rng: rng.choice([0.0, -1.5, 1e-300, 0.1 + 0.2, rng.uniform(-1e6, 1e6)]),
    int: lambda rng: rng.choice([0, 1, 10**12, rng.randrange(100)]),
    str: lambda rng: rng.choice(["", "t1", "−0.5 [a, b]", "caf\u00e9 | <b>", 'line\n"two"']),
    bool: lambda rng: rng.random() < 0.5,
    type(None): lambda rng: None,
    Any: lambda rng: rng.choice([None, True, 3, 0.5, "text", [1, 2], {"low": -1.0, "high": [0.5]}]),
}
# What a record asks of its fields beyond their types.
WHOLE: dict[Any, Callable[[random.Random], Any]] = {
    Recipe: lambda rng: recipe_named(rng.choice(["mlp", "seed-003"])),
    Table: lambda rng: Table(("set", "accuracy"), (("clean", "98.6"), ("t1", "14.8")), "Of 10,000 images."),
}
FIELDS: dict[Any, Callable[[random.Random], Any]] = {
    (Finding, "key"): lambda rng: f"section-{rng.randrange(10**6)}",
    (ModelCard, "input_shape"): lambda rng: (rng.choice([1, 3]), 28, rng.randrange(1, 99)),
    (OneForAllCard, "input_shape"): lambda rng: (1, 28, 28),
    (ModelCard, "classes"): lambda rng: rng.randrange(1, 99),
    (ModelCard, "sd"): lambda rng: rng.uniform(0.1, 1),
    (OneForAllCard, "classes"): lambda rng: rng.randrange(1, 99),
    (OneForAllCard, "sd"): lambda rng: rng.uniform(0.1, 1),
    (Ceiling, "above"): lambda rng: Above("labels", 0.5, 0.4, 0.6) if rng.random() < 0.5 else None,
    (Ceiling, "sufficiency"): lambda rng: None,
    (AdversarialEvidence, "spread"): lambda rng: {"linf": rng.random(), "l2": rng.random()},
}


def subclasses(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


@cache
def records() -> tuple[type[Record], ...]:
    """All records of all files."""
    for file in sorted(ROOT.rglob("*.py")):
        if file.name != "__main__.py":
            importlib.import_module(".".join(("shiftassay", *file.relative_to(ROOT).with_suffix("").parts)))
    ours = {kind for kind in subclasses(Record) if kind.__module__.startswith("shiftassay.")}
    return tuple(sorted(ours, key=lambda kind: (kind.__module__, kind.__name__)))


def drawn(hint: Any, rng: random.Random) -> Any:
    """A value of an annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    hint = Any if str(hint) == "JsonValue" else hint
    if hint in PLAIN:
        return PLAIN[hint](rng)
    if origin is Annotated:
        is_json = arguments[0] is Any and any(isinstance(part, BeforeValidator) for part in arguments[1:])
        return drawn(Any if is_json else arguments[0], rng)
    if origin is Literal:
        return rng.choice(arguments)
    if origin in (Union, types.UnionType):
        return drawn(rng.choice(arguments), rng)
    if origin is list or arguments[-1:] == (Ellipsis,):
        return origin(drawn(arguments[0], rng) for _ in range(rng.randrange(3)))
    if origin is tuple:
        return tuple(drawn(part, rng) for part in arguments)
    if origin in (dict, Mapping):
        return {name: drawn(arguments[1], rng) for name in rng.sample(["", "t1", "a b", "ε"], rng.randrange(3))}
    if isinstance(hint, type) and issubclass(hint, Record):
        return instance(hint, rng)
    if isinstance(hint, type) and issubclass(hint, Shift):
        return parse(rng.choice([f"{name}:{FAMILIES[name].example}" for name in FAMILIES if FAMILIES[name].example]))
    if hasattr(hint, "array_type"):  # a shape of jaxtyping's
        return np.arange(-1, rng.randrange(4), dtype=np.int64)
    raise NotImplementedError(f"no values for {hint}")


def instance(kind: type[Record], rng: random.Random) -> Record:
    """A record with every kept field filled in."""
    if kind in WHOLE:
        return WHOLE[kind](rng)
    hints = get_type_hints(kind, include_extras=True)
    kept = [field.name for field in dataclasses.fields(kind) if field.init and field.metadata.get("kept", True)]
    return kind(
        **{name: FIELDS[kind, name](rng) if (kind, name) in FIELDS else drawn(hints[name], rng) for name in kept}
    )


@pytest.mark.parametrize("kind", records(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_record_reads_what_it_writes(kind):
    rng = random.Random(kind.__name__)
    for _ in range(DRAWS):
        content = instance(kind, rng).to_json()
        assert kind.from_json(content).to_json() == content


def test_there_are_many_records():
    assert len(records()) > 100
