"""What a study file may say, and errors that name the nearest key."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError

from shiftassay.errors import BadInput, unknown_name
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.shifted.study import SameAs, ShiftedTestSets

Study = ShiftedTestSets | Architectures
KINDS: dict[str, type[ShiftedTestSets] | type[Architectures]] = {
    "shifted-test-sets": ShiftedTestSets,
    "architectures": Architectures,
}


def built_in_studies() -> dict[str, str]:
    """Name and title of every study that comes with the lab."""
    found = {path.name.removesuffix(".toml"): path for path in (files("shiftassay") / "studies" / "files").iterdir()}
    return {name: tomllib.loads(path.read_text(encoding="utf-8"))["title"] for name, path in sorted(found.items())}


def load_study(name: str | Path) -> tuple[str, Study]:
    """A study and its name, from a built-in name or a TOML file. Raises `BadInput`.

    >>> name, study = load_study("shifted-test-sets")
    >>> name, study.network, [variant.family for variant in study.variants]
    ('shifted-test-sets', 'mlp', ['pixel_permutation', 'pixel_permutation', 'sign_noise', 'adversarial'])
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise BadInput(f"{path}: no such study file.")
        try:
            study = _parse(path.read_text(encoding="utf-8"), str(path))
        except UnicodeDecodeError as error:
            raise BadInput(
                f"{path}: not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
            ) from None
        if (
            isinstance(study, ShiftedTestSets) and study.folder is not None
        ):  # as the file says it: beside the file, not beside whoever runs it
            study = study.model_copy(update={"folder": str(path.parent / study.folder)})
        return path.stem, study
    if str(name) not in built_in_studies():
        raise unknown_name("study", str(name), [*built_in_studies(), "FILE.toml"])
    text = (files("shiftassay") / "studies" / "files" / f"{name}.toml").read_text(encoding="utf-8")
    return str(name), _parse(text, str(name))


def _parse(text: str, where: str) -> Study:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where}: not valid TOML: {error}.") from None
    if content.get("kind") not in KINDS:
        raise BadInput(f"{where}: kind: expected {' or '.join(KINDS)}, found {content.get('kind')!r}.")
    model = KINDS[content["kind"]]
    try:
        study = model.model_validate(content)
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
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}, found {problem.get('input')!r}."


def _table(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The innermost table on the way to a place in a study file."""
    for part in place:
        field = model.model_fields.get(str(part))
        kinds = [field.annotation, *get_args(field.annotation)] if field else []
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return model
