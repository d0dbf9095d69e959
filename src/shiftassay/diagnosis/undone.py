"""The shift that a stored diagnosis says to undo."""

from pathlib import Path

from shiftassay.diagnosis.result import SCHEMA, Diagnosis
from shiftassay.errors import BadInput
from shiftassay.sealed import read_json
from shiftassay.shifts.family import Shift
from shiftassay.shifts.identity import Identity


def read_undo(path: Path) -> Shift:
    """The shift of the diagnosis in a JSON file.

    Raises `BadInput` for another file, and for a diagnosis of nothing that could be undone in front of a model.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise BadInput(
            f"{path}: no diagnosis. Write one with: shiftassay diagnose REFERENCE SHIFTED --json {path.name}"
        )
    return undo_in_front(Diagnosis.from_json(content), path)


def undo_in_front(diagnosis: Diagnosis, path: Path) -> Shift:
    """The shift of a diagnosis, kept in a file, that is to be undone in front of a model.

    Raises `BadInput` where there is none.
    """
    verdict = diagnosis.verdict
    if verdict.shift is None or isinstance(verdict.shift, Identity):
        raise BadInput(f"{path}: its verdict is {verdict.family}, and there is nothing to undo. Leave --undo out.")
    if diagnosis.framing is not None:
        raise BadInput(f"{path}: its pictures changed their size, which no model's file can undo. Resize them before.")
    if verdict.share < 1:
        raise BadInput(f"{path}: only some images were touched, and an undo would change the others. Leave --undo out.")
    return verdict.shift
