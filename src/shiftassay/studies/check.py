"""Whether everything in a store is what was written, and what becomes of what is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from shiftassay.errors import BadInput
from shiftassay.files import PARTIAL
from shiftassay.imagesets import manifest as variants
from shiftassay.records import Record
from shiftassay.report.write import FINDINGS
from shiftassay.runs.store import CARD, CHECKPOINT, ENVIRONMENT, FAILURE, IMPORT, TRIAL, Run
from shiftassay.sealed import Damaged, check_file, files_in, read_sealed
from shiftassay.studies import folder as study
from shiftassay.studies import measurements
from shiftassay.training.checkpoint import Progress

State = Literal["whole", "failed", "unfinished", "damaged", "stray"]
TRAINED_AGAIN = "The command that trained it trains it again."
MADE_AGAIN = "The command that made it makes it again."


@dataclass(frozen=True)
class Checked(Record):
    """The state of one run, study, folder of variants, or file.

    `sentence` says what the next command does about it.
    """

    path: str
    state: State
    sentence: str


@dataclass(frozen=True)
class Check(Record):
    """A store, part by part; the states that are not `whole` first in each part."""

    folder: str
    parts: tuple[Checked, ...]
    derived: ClassVar = ("whole",)

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged: what failed, or is not finished, is whole as it is."""
        return not any(part.state == "damaged" for part in self.parts)


def check_store(folder: Path) -> Check:
    """Check every file below a folder whose checksum is stored. Nothing is changed.

    Raises `BadInput` if there is no such folder.
    """
    if not folder.is_dir():
        raise BadInput(
            f"{folder}: no such folder. Name the one that --out named ('out', if none was named), or one in it."
        )
    parts = [part for place in _folders(folder) for part in _checked(place)]
    return Check(str(folder), tuple(parts))


def _folders(folder: Path) -> list[Path]:
    return [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]


def _checked(place: Path) -> Iterator[Checked]:
    for stray in sorted(place.glob(f".*{PARTIAL}")):
        yield Checked(
            str(stray), "stray", "Left by a command that was killed; the next one that works here removes it."
        )
    if any((place / name).is_file() for name in (TRIAL, CARD, FAILURE)):
        yield from _run(place)
    elif (place / variants.MANIFEST).is_file():
        yield from _listed(place, variants.MANIFEST, place, MADE_AGAIN)
    elif any((place / name).exists() for name in (study.MANIFEST, FINDINGS, measurements.FOLDER)):
        yield from _study(place)


def _run(place: Path) -> Iterator[Checked]:
    imported = (place / IMPORT).is_file()
    for name in (TRIAL, ENVIRONMENT, FAILURE):
        if (place / name).is_file() or (name == ENVIRONMENT and not imported and (place / CARD).is_file()):
            lost = "No result depends on it; what the run was made with is not known any more."
            yield from _sealed(place / name, lost if name == ENVIRONMENT else TRAINED_AGAIN)
    if (place / CARD).is_file():
        yield from _listed(place, CARD, place, "Import the weights again." if imported else TRAINED_AGAIN)
    elif (place / FAILURE).is_file():
        yield Checked(
            str(place), "failed", "Its training ended because a number was not finite; the same command says so again."
        )
    elif (place / CHECKPOINT).is_file():
        try:
            epochs = len(Run(place).checkpointed(Progress)[1].metrics)
            yield Checked(str(place), "unfinished", f"The same command goes on after epoch {epochs}.")
        except Damaged as error:
            yield Checked(str(place / CHECKPOINT), "damaged", f"{error.what}. The same command begins anew.")
    else:
        yield Checked(str(place), "unfinished", "The same command trains it from the beginning.")


def _study(place: Path) -> Iterator[Checked]:
    for path in sorted((place / measurements.FOLDER).glob("*.json")):
        yield from _listed(path.parent, path.name, place, "The same command measures it again.", quiet=True)
    if (place / study.MANIFEST).is_file():
        yield from _listed(place, study.MANIFEST, place, "The same command makes it again.")
    else:
        yield Checked(str(place), "unfinished", "The same command goes on with what is not measured yet.")


def _listed(place: Path, name: str, base: Path, remedy: str, quiet: bool = False) -> Iterator[Checked]:
    """A file that lists others with their checksums, and those."""
    try:
        listed = files_in(read_sealed(place / name))
    except Damaged as error:
        yield Checked(str(place / name), "damaged", f"{error.what}. {remedy}")
        return
    whole = True
    for file, digest in listed.items():
        try:
            check_file(base / file, digest)
        except Damaged as error:
            whole = False
            yield Checked(str(base / file), "damaged", f"{error.what}. {remedy}")
    if whole and not quiet:
        yield Checked(str(place), "whole", f"{len(listed) + 1} files are what was written.")


def _sealed(path: Path, remedy: str) -> Iterator[Checked]:
    try:
        read_sealed(path)
    except Damaged as error:
        yield Checked(str(path), "damaged", f"{error.what}. {remedy}")
