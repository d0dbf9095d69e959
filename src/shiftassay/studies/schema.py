"""What a study file may say, and errors that name the nearest key."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError

from shiftassay.errors import BadInput, unknown_name
from shiftassay.paths import not_a_name
from shiftassay.records import JsonObject, JsonValue
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.built_in import built_in_studies
from shiftassay.studies.shifted.study import SameAs, ShiftedTestSets
from shiftassay.studies.strict import respelled
from shiftassay.words.text import is_printable, printable, shortened

Study = ShiftedTestSets | Architectures
KINDS: dict[str, type[ShiftedTestSets] | type[Architectures]] = {
    "shifted-test-sets": ShiftedTestSets,
    "architectures": Architectures,
}
LARGEST = 10**6  # bytes of a study file
DEEPEST = 20  # tables and lists in each other


def load_study(name: str | Path) -> tuple[str, Study]:
    """A study and its name, from a built-in name or a TOML file. Raises `BadInput`.

    >>> name, study = load_study("shifted-test-sets")
    >>> name, study.network, [variant.family for variant in study.variants]
    ('shifted-test-sets', 'mlp', ['pixel_permutation', 'pixel_permutation', 'sign_noise', 'adversarial'])
    """
    path = Path(name)
    if path.suffix == ".toml":
        if why := not_a_name(path.stem):
            raise BadInput(f"{path}: the study's results are kept under the file's name, and {why}. Rename it.")
        study = _parse(_text(path), str(path))
        if (
            isinstance(study, ShiftedTestSets) and study.folder is not None
        ):  # as the file says it: beside the file, not beside whoever runs it
            study = study.model_copy(update={"folder": str(path.parent / study.folder)})
        return path.stem, study
    if str(name) not in built_in_studies():
        raise unknown_name("study", str(name), [*built_in_studies(), "FILE.toml"])
    text = (files("shiftassay") / "studies" / "files" / f"{name}.toml").read_text(encoding="utf-8")
    return str(name), _parse(text, str(name))


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise BadInput(f"{path}: no such study file.")
        if path.stat().st_size > LARGEST:
            raise BadInput(
                f"{path}: {path.stat().st_size / 1e6:,.1f} MB, and a study file has at most {LARGEST // 10**6}."
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8.") from None
    except OSError as error:
        raise BadInput(f"{path}: can't be read ({error.strerror}).") from None


def _parse(text: str, where: str) -> Study:
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise BadInput(f"{where}: nested too deeply for a study file.") from None
    except ValueError as error:  # of a number with thousands of digits, Python says more than tomllib
        raise BadInput(f"{where}: not valid TOML: {error}.") from None
    _check_values(content, where)
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadInput(f"{where}: kind: expected {' or '.join(KINDS)}, found {_quoted(kind)}.")
    model = KINDS[kind]
    try:
        study = model.model_validate(respelled(content))
    except ValidationError as error:
        raise BadInput(f"{where}: {_first(error, model)}") from None
    for size in ("quick", "full"):
        try:
            study.sized(size, None)
        except ValidationError as error:
            raise BadInput(f"{where}: [{size}]: {_first(error, model)}") from None
    if isinstance(study, ShiftedTestSets):
        _check_variants(study, where)
    return study


def _check_values(content: JsonObject, where: str) -> None:
    """Raise `BadInput` for values that no key takes.

    These are control characters, NaN and infinity, and tables nested too deeply.
    """
    remaining: list[tuple[str, JsonValue]] = [("", content)]
    while remaining:
        place, value = remaining.pop()
        if place.count(".") > DEEPEST:
            raise BadInput(f"{where}: {place[1:]}: nested too deeply for a study file.")
        if isinstance(value, dict):
            for key in value:
                if not is_printable(key):
                    raise BadInput(f"{where}: {_quoted(key)}: a key has no control characters.")
            remaining += [(f"{place}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            remaining += [(f"{place}.{index}", inner) for index, inner in enumerate(value)]
        elif isinstance(value, str) and printable(value, lines=True) != value:
            raise BadInput(
                f"{where}: {place[1:]}: text has no control characters, found {_quoted(value)}. Remove them."
            )
        elif isinstance(value, float) and not isfinite(value):
            raise BadInput(f"{where}: {place[1:]}: expected a finite number, found {value}.")


def _quoted(value: object) -> str:
    return shortened(repr(value), 200)


def _check_variants(study: ShiftedTestSets, where: str) -> None:
    names = [variant.name.lower() for variant in study.variants]
    if bool(names) == bool(study.folder):
        raise BadInput(f'{where}: give either [[variants]] or folder = "…", not {"both" if names else "neither"}.')
    if len(set(names)) < len(names) or {"clean", "labels"} & set(names):
        raise BadInput(
            f"{where}: variants need names of their own, none of them 'clean' or 'labels'; found {', '.join(names)}."
        )
    for place, variant in enumerate(study.variants):
        earlier = {v.name for v in study.variants[:place]}
        for value in variant.parameters.values():
            if isinstance(value, SameAs) and value.same_as not in earlier:
                raise unknown_name("earlier variant", value.same_as, earlier)


def _first(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing wrong, in words, with the nearest known key if a key is unknown."""
    problems = error.errors()
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    if problem["type"] == "extra_forbidden":
        *tables, key = problem["loc"]
        return str(unknown_name("key", str(key), _table(model, tables).model_fields))
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}, found {_quoted(problem.get('input'))}."


def _table(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The innermost table on the way to a place in a study file."""
    for part in place:
        field = model.model_fields.get(str(part))
        kinds = [field.annotation, *get_args(field.annotation)] if field else []
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return model
