"""What the variants are and look like."""

from dataclasses import dataclass

import numpy as np

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.paths import inside
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.report.set_figures import Samples
from shiftassay.runs.store import write_arrays
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.words.numbers import number

KEY, TITLE, VERSION, PLACE = "variants", "The variants", 1, 10
SAMPLES = "samples.safetensors"
SHOWN = 10  # classes


@dataclass(frozen=True)
class SetSummary(Record):
    """One image set: where it comes from, its content hash, and its values."""

    name: str
    origin: str
    digest: str
    images: int
    low: float
    high: float
    mean: float


@dataclass(frozen=True)
class SetSummaries(Record):
    """Clean and every variant.

    `was_read`: the sets come from a folder, with notes on what was assumed.
    """

    sets: tuple[SetSummary, ...]
    was_read: bool


def measure(context: StudyContext) -> SetSummaries:
    """Summarize the sets, and keep the first image of each class for the figure."""
    sets = context.variants.sets
    samples = {images.name: images.images[_first_of_each_class(images)] for images, _ in sets}
    write_arrays(inside(context.measurements.folder, SAMPLES), samples)
    return SetSummaries(
        sets=tuple(
            SetSummary(
                name=images.name,
                origin=origin,
                digest=images.digest,
                images=len(images),
                low=float(images.images.min()),
                high=float(images.images.max()),
                mean=float(images.images.mean()),
            )
            for images, origin in sets
        ),
        was_read=any(images.notes for images, _ in sets),
    )


def findings(measured: SetSummaries) -> list[Finding]:
    rows = tuple(
        (s.name, s.origin, f"{s.images:,}", f"{number(s.low, 2)} … {number(s.high, 2)}", number(s.mean, 3))
        for s in measured.sets
    )
    sentence = (
        "The variants were read from a folder; what was found and assumed stands at the end of the report."
        if measured.was_read
        else "Each variant is the clean test set after one shift; labels and order are those of the clean set."
    )
    return [
        Finding(
            KEY,
            TITLE,
            (sentence,),
            (Table(("set", "where it comes from", "images", "values", "mean"), rows, words=("where it comes from",)),),
            (
                Figure(
                    "samples",
                    {"file": SAMPLES, "names": [s.name for s in measured.sets]},
                    "The first image of each class in every set, drawn from black (0) to white (1).",
                ),
            ),
            {s.name: {"origin": s.origin, "digest": s.digest} for s in measured.sets},
        )
    ]


def samples_of(*names: str) -> Samples:
    """The first kept image of each of these sets."""
    return {"file": SAMPLES, "names": names, "many": 1}


def _first_of_each_class(images: ImageSet) -> list[int]:
    return np.unique(images.required_labels, return_index=True)[1][:SHOWN].tolist()
