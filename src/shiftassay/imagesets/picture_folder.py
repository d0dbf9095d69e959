"""A folder of pictures: flat, or with one folder for each class.

Nothing is opened while it is listed.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.natural import natural_order, order_of_classes
from shiftassay.imagesets.picture import ENDINGS
from shiftassay.imagesets.picture_source import Opened, PictureSource
from shiftassay.words.lists import first_of, listed, plural

PASSED_OVER = ("thumbs.db", "desktop.ini", "__macosx")  # and what begins with a dot: what systems leave in folders
PARTS = ("train", "training", "val", "valid", "validation", "test", "testing")
LABELS_FILE = "labels.csv"


@dataclass
class _Listing:
    """What lies in a folder and below: relative names."""

    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def picture_folder(path: Path) -> PictureSource:
    """The pictures in a folder and below, in the natural order of their relative names.

    Folders in it are classes, numbered in the natural order of their names, unless pictures lie beside them. Links are
    followed as long as they stay in the folder. Raises `BadInput` for a folder without pictures, and for one that
    holds the parts of a data set.
    """
    content = _listed(path)
    if not content.pictures:
        raise _no_pictures(path, content)
    names = tuple(sorted(content.pictures, key=natural_order))
    source = PictureSource(path, names, _opener(path, names), notes=_leftovers(content))
    return _with_classes(source, content)


def holds_pictures(path: Path) -> bool:
    """Whether there are pictures in a folder or below. Raises `BadInput` where it can't be read."""
    return bool(_listed(path).pictures)


def _listed(root: Path) -> _Listing:
    content, real_root = _Listing(), os.path.realpath(root)
    _list_into(content, str(root), real_root, "", (real_root,), _Links(real_root))
    return content


def _list_into(content: _Listing, folder: str, real: str, prefix: str, above: tuple[str, ...], links: "_Links") -> None:
    """Add what lies in a folder, with `prefix` before its names.

    `above` are the folders on the way to it, which a link may lead back to.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        if not prefix:
            raise BadInput(
                f"{folder}: can't be read ({error.strerror or error}). Check its permissions and place."
            ) from None
        content.unreadable.append(prefix.rstrip("/"))
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith(".") or entry.name.lower() in PASSED_OVER:
            continue
        place = os.path.join(real, entry.name)
        if entry.is_symlink():
            target = links.resolved(place)
            if target is None:
                content.outside.append(name)
                continue
            place = target
        with suppress(OSError):  # a file that was removed meanwhile
            if entry.is_dir():
                content.folders.append(name)
                if place not in above:
                    _list_into(content, entry.path, place, f"{name}/", (*above, place), links)
            elif not entry.is_file():
                content.others.append(name)
            elif entry.name.lower().endswith(ENDINGS):
                content.pictures.append(name)
            elif name != LABELS_FILE:
                content.others.append(name)


class _Links:
    """Follows links within a folder, remembering the folders that they lead to."""

    def __init__(self, root: str):
        self.root = root
        self.folders: dict[str, str] = {}

    def resolved(self, link: str) -> str | None:
        """The real place of a link's target; None if it lies outside, or does not exist."""
        try:
            target = os.path.join(os.path.dirname(link), os.readlink(link))
            folder, name = os.path.split(target)
            if name in ("", ".", ".."):
                target = os.path.realpath(target)
            else:
                target = os.path.join(self._real(folder), name)
                if os.path.islink(target):
                    target = os.path.realpath(target)
            inside = target == self.root or target.startswith(self.root.rstrip("/") + os.sep)
            return target if inside and os.path.exists(target) else None
        except (OSError, ValueError):
            return None

    def _real(self, folder: str) -> str:
        if folder not in self.folders:
            self.folders[folder] = os.path.realpath(folder)
        return self.folders[folder]


def _opener(root: Path, names: Sequence[str]) -> Callable[[Sequence[int]], Opened]:
    def opened(places: Sequence[int]) -> Opened:
        for place in places:
            try:
                file = (root / names[place]).open("rb")
            except OSError:
                yield place, None
                continue
            with file:
                yield place, file

    return opened


def _leftovers(content: _Listing) -> tuple[str, ...]:
    """Sentences on what was not taken."""
    notes = []
    if content.others:
        notes.append(f"{plural(len(content.others), 'file')} passed over, no pictures by name: {_some(content.others)}")
    if content.outside:
        notes.append(
            f"{plural(len(content.outside), 'link')} not followed, leading out of the folder or nowhere: "
            f"{_some(content.outside)}"
        )
    if content.unreadable:
        notes.append(f"{plural(len(content.unreadable), 'folder')} not readable: {_some(content.unreadable)}")
    return tuple(notes)


def _with_classes(source: PictureSource, content: _Listing) -> PictureSource:
    """The source with the folders in it as classes, where they are."""
    tops = [name.partition("/")[0] if "/" in name else "" for name in source.titles]
    filled = set(tops)
    if "" in filled:
        beside = sorted(filled - {""}, key=natural_order)
        note = f"pictures lie beside the folders {_some(beside)}, which are therefore not taken as classes"
        return source.noting(note) if beside else source
    parts = sorted(name for name in filled if name.lower() in PARTS)
    if parts and len(parts) == len(filled):
        raise BadInput(
            f"{source.path}: holds {listed(parts)}, parts of a data set. Name one: {source.path / parts[-1]}."
        )
    # An empty folder is a class of which there is no picture here: the classes after it keep their numbers.
    empty = {folder for folder in content.folders if "/" not in folder and not _holds_something(folder, content)}
    classes = sorted(filled | empty, key=natural_order)
    label_of = {name: label for label, name in enumerate(classes)}
    labels = np.array([label_of[top] for top in tops], np.int64)
    notes = (
        [f"no pictures in {_some(sorted(empty, key=natural_order))}: taken as classes all the same"] if empty else []
    )
    source = source.noting(*notes, *order_of_classes(classes))
    return replace(source, labels=labels, classes=tuple(classes), labels_from="from the folders' names")


def _holds_something(folder: str, content: _Listing) -> bool:
    inside = f"{folder}/"
    everything = (content.pictures, content.others, content.outside, content.unreadable, content.folders)
    return folder in content.unreadable or any(name.startswith(inside) for names in everything for name in names)


def _no_pictures(path: Path, content: _Listing) -> BadInput:
    endings = ", ".join(ENDINGS)
    if content.outside and not content.others:
        return BadInput(
            f"{path}: its {plural(len(content.outside), 'link')} ({_some(content.outside)}) lead out of the folder, "
            "and such links are not followed. Name the folder that holds the pictures, or copy them."
        )
    held = f"It holds {_some(content.others)}." if content.others else "It is empty."
    tables = [name for name in content.others if PurePosixPath(name).suffix.lower() in (".parquet", ".npy", ".npz")]
    advice = f"Name a file in it: {path / tables[0]}." if tables else f"Pictures end in {endings}."
    return BadInput(f"{path}: no pictures in this folder. {held} {advice}")


def _some(names: Sequence[str]) -> str:
    return first_of(sorted(names, key=natural_order))
