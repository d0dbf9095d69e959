"""Image sets from pictures: their labels, classes and names, and pictures that two sets share."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import read_labels, to_labels
from shiftassay.imagesets.layout import size_of
from shiftassay.imagesets.name_labels import has_names, read_name_labels
from shiftassay.imagesets.natural import order_of_classes
from shiftassay.imagesets.parquet_file import ENDINGS, parquet_file
from shiftassay.imagesets.picture_folder import LABELS_FILE, picture_folder
from shiftassay.imagesets.picture_rows import EVERYTHING, Limits, ReadPictures, read_rows
from shiftassay.imagesets.picture_source import PictureSource
from shiftassay.imagesets.shared_names import Places, shared_names
from shiftassay.imagesets.stream import is_file, is_folder
from shiftassay.progress import Watch
from shiftassay.words.lists import first_of, plural
from shiftassay.words.text import printable, short


def open_pictures(
    path: str | Path,
    labels: str | Path | None = None,
    classes: Sequence[str] | None = None,
    unpickle: bool = False,
) -> PictureSource | None:
    """A folder of pictures or a Parquet file of them, with its labels; None for any other path.

    `labels` is a file of labels, `"none"` for none. A table of labels by name leaves out the pictures that it lacks.
    `classes` are those of a reference, whose numbers the labels get. Raises `BadInput`.
    """
    if not str(path):  # which `Path` takes for the working directory
        raise BadInput("no name of a set: an empty text was given. Name a file, a folder or a data set.")
    path = Path(path)
    if path.suffix.lower() in ENDINGS and not is_folder(path):
        source = parquet_file(path)
    elif is_folder(path):
        source = picture_folder(path)
    else:
        return None
    if str(labels) == "none":
        return replace(source, labels=None, classes=None, labels_from="")
    beside = path / LABELS_FILE
    if labels is not None:
        source = _labeled_by(Path(labels), source, unpickle)
    elif is_file(beside) and has_names(beside):
        source = _labeled_by(beside, source, unpickle)
    if source.labels is not None and source.classes is not None:
        source = _numbered_like(source, classes)
    return source


def read_pictures(
    source: PictureSource,
    reference: ImageSet | None = None,
    *,
    limits: Limits = EVERYTHING,
    seed: int = 0,
    watch: Watch | None = None,
) -> ImageSet:
    """The pictures of a source as an image set of one size.

    Beside a reference with names, those that share its names, in its order, with its labels where the source has none.
    Raises `BadInput`.
    """
    places, notes, partners = np.arange(len(source)), [], None
    if reference is not None and reference.names is not None and source.named:
        of_reference, shared = shared_names(reference.names, source.titles)
        if len(shared):
            places, partners = shared, of_reference
            notes = unshared(len(reference), len(source), len(shared), reference.name)
        else:
            notes = [f"no file names in common with {reference.name}"]
    [pictures], rows = read_rows([source], [places], limits=limits, seed=seed, watch=watch)
    image_set = to_image_set(pictures, places[rows], notes)
    if partners is None or reference is None or reference.labels is None or image_set.labels is not None:
        return image_set
    note = f"{image_set.name}: labels those of {reference.name}, by file name"
    labels = reference.labels[partners[rows]]
    return replace(image_set, labels=labels, classes=reference.classes, notes=(*image_set.notes, note))


def to_image_set(pictures: ReadPictures, places: Places, notes: Sequence[str] = ()) -> ImageSet:
    """Pictures that were read from these places of their source, with their labels and names."""
    source, name = pictures.source, printable(pictures.source.path.name or str(pictures.source.path))
    labels = None if source.labels is None else source.labels[places]
    image_set = ImageSet(
        images=pictures.images,
        labels=labels,
        name=name,
        unit=pictures.unit,
        integer=True,
        names=tuple(source.titles[place] for place in places.tolist()) if source.named else None,
        classes=source.classes if labels is not None else None,
    )
    shown = f"{plural(len(source), 'picture')}, read as {plural(len(image_set), 'image')} of {size_of(image_set.shape)}"
    sentences = [shown, *source.notes, *notes, *pictures.notes]
    if labels is not None and source.labels_from:
        sentences.append(f"labels {source.labels_from}")
    return replace(image_set, notes=tuple(f"{name}: {note}" for note in sentences))


def unshared(of_reference: int, of_other: int, shared: int, reference: str) -> list[str]:
    """Sentences on how many pictures share a name with another set's, and on those that do not."""
    notes = [f"{plural(shared, 'file name')} in {reference}, too: pictures of one name are compared"]
    if of_reference > shared:
        notes.append(f"left out: {plural(of_reference - shared, 'picture')} of {reference} without a partner in it")
    if of_other > shared:
        notes.append(f"left out: {plural(of_other - shared, 'picture')} without a partner in {reference}")
    return notes


def _labeled_by(table: Path, source: PictureSource, unpickle: bool) -> PictureSource:
    """The source with the labels of a file: by name, or in its order."""
    name = printable(table.name)
    if not has_names(table):
        labels = to_labels(read_labels(table, unpickle), str(table), len(source))
        return replace(
            source, labels=labels, classes=None, labels_from=f"given, from {name}, in the order of the names"
        )
    if not source.named:
        raise BadInput(f"{table}: holds labels by name, but the pictures of {source.path} have no names. Give numbers.")
    by_name = read_name_labels(table)
    labels = by_name.of(source.titles)
    labeled = np.flatnonzero(labels >= 0)
    if not len(labeled):
        raise BadInput(
            f"{table}: none of its names ({first_of(by_name.label_of)}) is that of a picture in {source.path} "
            f"({first_of(source.titles)}). Write the names as they are in the folder."
        )
    source = replace(source, labels=labels, classes=by_name.classes, labels_from=f"by name, from {name}")
    notes = list(order_of_classes(by_name.classes or ()))
    if len(labeled) < len(labels):
        without = [source.titles[place] for place in np.flatnonzero(labels < 0).tolist()]
        notes.append(f"{plural(len(without), 'picture')} left out, without a row in {name}: {first_of(without)}")
        source = source.subset(labeled)
    return source.noting(*notes)


def _numbered_like(source: PictureSource, classes: Sequence[str] | None) -> PictureSource:
    """The source with the numbers that a reference gives to the classes of these names.

    One class alone, which the reference does not know, is no class: a folder that pictures happen to lie in.
    """
    assert source.labels is not None
    assert source.classes is not None
    own = source.classes
    if len(own) == 1 and (classes is None or own[0] not in classes):
        note = f"all pictures are in {short(own[0])!r}, which alone is not taken as a class"
        return replace(source, labels=None, classes=None, labels_from="").noting(note)
    if classes is None or tuple(classes) == own:
        return source
    number_of = {name: number for number, name in enumerate(classes)}
    used = [own[label] for label in np.unique(source.labels)]
    if strange := [name for name in used if name not in number_of]:
        raise BadInput(
            f"{source.path}: the reference has no class {first_of(strange)}. It has {first_of(classes)}. Call the "
            "classes alike, leave those pictures out, or pass --labels none."
        )
    numbers = np.array([number_of.get(name, -1) for name in own], np.int64)
    moved = [name for label, name in enumerate(own) if numbers[label] not in (label, -1)]
    note = (
        f"classes are numbered as in the reference: {short(moved[0])!r} is label {number_of[moved[0]]}" if moved else ""
    )
    numbered = replace(source, labels=numbers[source.labels], classes=tuple(classes))
    return numbered.noting(note) if note else numbered
