"""Records: frozen dataclasses that packages exchange, and that are stored as JSON."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import AliasChoices, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from shiftassay.errors import BadInput

if TYPE_CHECKING:
    from pydantic import JsonValue
else:
    JsonValue = Any  # Pydantic's is recursive, which those who check types at run time do not resolve: import this one

JsonObject = dict[str, JsonValue]
"""What a record is as JSON."""


class Record:
    """The base of records, which are frozen dataclasses.

    Its annotations say what its JSON may hold, and reading checks it: numbers, text, tuples, lists and mappings of
    these, and other records. A field that Pydantic has to be told how to read is annotated so (`Annotated`, with a
    validator, or `Field(alias=…)`: the key that its JSON has for it); one made by `not_kept` is neither written nor
    read.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Split(Record):
    ...     name: str
    ...     sizes: tuple[int, ...]
    ...     derived = ("total",)
    ...
    ...     @property
    ...     def total(self):
    ...         return sum(self.sizes)
    >>> Split("halves", (3, 4)).to_json()
    {'name': 'halves', 'sizes': [3, 4], 'total': 7}
    >>> Split.from_json({"name": "halves", "sizes": [3, 4], "total": 7})
    Split(name='halves', sizes=(3, 4))
    """

    derived: ClassVar[tuple[str, ...]] = ()
    """Properties that are written as well, for whoever reads the JSON."""
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    def to_json(self) -> JsonObject:
        """Its fields in their order, then what is derived from them: only what JSON has."""
        fields = dataclasses.fields(self)  # pyright: ignore[reportArgumentType]  # every record is a dataclass
        kept = {field.name: _key(field) for field in fields if field.metadata.get(_KEPT, True)}
        return {key: plain(getattr(self, name)) for name, key in {**kept, **{d: d for d in self.derived}}.items()}

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """The record that `to_json` wrote.

        Raises `BadInput` for anything else, with the place that is wrong.
        """
        try:
            return _adapter(cls).validate_python(content)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, problem["loc"])) or cls.__name__
            raise BadInput(f"{place}: {problem['msg']}.") from None


_KEPT = "kept"


def _key(field: dataclasses.Field[Any]) -> str:
    """What a field is called in JSON."""
    for hint in getattr(field.type, "__metadata__", ()):
        if isinstance(hint, FieldInfo) and hint.serialization_alias:
            return hint.serialization_alias
    return field.name


def stored_as(key: str, name: str) -> Any:
    """For `Annotated`: a field whose key in JSON differs from its name; it is read under both."""
    return Field(validation_alias=AliasChoices(key, name), serialization_alias=key)


def not_kept(default: Any = None) -> Any:
    """A field of a record that is not written, such as a model; read back, it is `default`."""
    return dataclasses.field(default=default, metadata={_KEPT: False}, compare=False, repr=False, kw_only=True)


def plain(value: Any) -> JsonValue:
    """A value as JSON.

    Accepts records and whatever else has a `to_json`, tuples, mappings, NumPy's numbers and arrays.

    >>> plain({"mean": np.float32(0.5), "sizes": (1, 2), "angles": np.array([0.0, 90.0])})
    {'mean': 0.5, 'sizes': [1, 2], 'angles': [0.0, 90.0]}
    """
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")


@cache
def _adapter(record: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(record)
