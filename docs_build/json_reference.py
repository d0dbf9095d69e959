"""The reference of the JSON that commands write, from the records that are written."""

import ast
import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shiftassay.diagnosis.result import Diagnosis
from shiftassay.evaluation.audit import Audit
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import Record
from shiftassay.repairs.result import Repair
from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.trial import Trial

VERBS = Path(__file__).parents[1] / "src" / "shiftassay" / "cli"
RECORDS = (Diagnosis, Evaluation, Repair, Audit, Trial, EpochMetrics)
INTRODUCTION = """# JSON

`--json FILE` writes a command's result as JSON, `--json -` to stdout and nothing else. Made from the records that are
written. Every file names its schema. Under one number, keys are added, and none changes its meaning; readers leave
alone what they do not know.

| command | schema | its own keys |
| --- | --- | --- |
"""


def page() -> str:
    """The schemas by command, then the records, and those within them."""
    listed = "".join(
        f"| [`{verb}`](command-line.md#{verb}) | `{schema}` | {', '.join(f'`{key}`' for key in keys)} |\n"
        for verb, schema, keys in schemas()
    )
    described = {record.__name__: record for root in RECORDS for record in within(root)}
    sections = "\n".join(_section(record, described) for record in described.values())
    return f"{INTRODUCTION}{listed}\n{sections}"


def schemas() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each verb's schema, and the keys that its own code adds, read from `written(…)` in its file."""
    for path in sorted(VERBS.glob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        written = [call.args[1:3] for call in calls if getattr(call.func, "id", "") == "written"]
        read = {
            (path.stem.rstrip("_"), schema.value, _literal_keys(content))
            for schema, content in written
            if isinstance(schema, ast.Constant)
        }
        yield from sorted(read)


def _literal_keys(content: ast.expr) -> tuple[str, ...]:
    keys = content.keys if isinstance(content, ast.Dict) else []
    return tuple(key.value for key in keys if isinstance(key, ast.Constant))


def within(record: type[Any]) -> Iterator[type[Any]]:
    """A record and, depth first, those that its fields hold, each once."""
    seen: dict[type[Any], None] = {}

    def visit(one: type[Any]) -> None:
        if one in seen or not (isinstance(one, type) and issubclass(one, Record)):
            return
        seen[one] = None
        for hint in typing.get_type_hints(one, include_extras=True).values():
            for part in _parts(hint):
                visit(part)

    visit(record)
    yield from seen


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for part in typing.get_args(hint):
        yield from _parts(part)


def _section(record: type[Any], described: dict[str, type[Any]]) -> str:
    text = (inspect.getdoc(record) or "").split("\n>>>")[0].strip()
    own = record.__dict__.get("to_json")
    if own is not None and own.__doc__:  # what it writes beside its fields, or instead
        text += f"\n\n*As JSON:* {inspect.getdoc(own)}"
    rows = "".join(f"| `{key}` | {_type(hint, described)} |\n" for key, hint in keys(record))
    return f"## {record.__name__}\n\n{text}\n\n| key | what it holds |\n| --- | --- |\n{rows}"


def keys(record: type[Any]) -> Iterator[tuple[str, Any]]:
    """The keys of a record as JSON with their types: of its fields, then of what is derived."""
    hints = typing.get_type_hints(record, include_extras=True)
    for field in dataclasses.fields(record):
        if field.metadata.get("kept", True):
            aliases = (getattr(part, "serialization_alias", None) for part in typing.get_args(hints[field.name]))
            yield next(filter(None, aliases), field.name), hints[field.name]
    for name in record.derived:
        yield name, typing.get_type_hints(getattr(record, name).fget).get("return", Any)


_PLAIN = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    type(None): "null",
    Any: "any value",
}


def _type(hint: Any, described: dict[str, type[Any]]) -> str:
    """A type in words, with a link where it is a record."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is typing.Annotated:
        return _type(arguments[0], described)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one, described) for one in arguments)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is not None and arguments and issubclass(origin, tuple | list):
        inner = [_type(one, described) for one in arguments if one is not Ellipsis]
        return f"list of {inner[0]}" if len(set(inner)) == 1 else f"[{', '.join(inner)}]"
    if origin is not None and len(arguments) == 2:
        return f"object of {_type(arguments[1], described)} by name"
    name = getattr(hint, "__name__", str(hint))
    if name.startswith(("Int", "Float")):  # jaxtyping's names of arrays
        return "list of whole numbers" if name.startswith("Int") else "list of numbers"
    if name == "Shift":
        return "a shift: `family`, `parameters`, `scope`"
    return f"[{name}](#{name.lower()})" if name in described else f"`{name}`"
