"""The commands to go on with after `shiftassay diagnose`, with what it was given."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from torch import nn

from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.undone import undo_in_front
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.export import known_shape
from shiftassay.models.traceable import traceable_undo
from shiftassay.repairs.repair import FEWEST

FILE = "undone"  # the exported model's name, without its ending
PAGE = "diagnosis.html"


@dataclass(frozen=True)
class Given:
    """What a call of `shiftassay diagnose` was given.

    Its arguments and options, None or empty where they were left out.
    """

    reference: str
    shifted: str
    labels: Sequence[Path] = ()
    model: str | None = None
    weights: Path | None = None
    takes: str | None = None
    trust: bool = False
    train: str | None = None
    leave_out: Sequence[str] = ()
    unpickle: bool = False
    json_file: Path | None = None
    report: Path | None = None

    @property
    def of_model(self) -> list[str]:
        """Options that say how the model is read."""
        weights = [] if self.weights is None else ["--weights", str(self.weights)]
        takes = [] if self.takes is None else ["--takes", self.takes]
        return [*weights, *takes, *(["--trust"] if self.trust else [])]

    @property
    def of_sets(self) -> list[str]:
        """Options that say how both sets are read, but for their labels."""
        left_out = [word for region in self.leave_out for word in ("--leave-out", region)]
        return [*left_out, *(["--unpickle"] if self.unpickle else [])]


def with_commands(
    diagnosis: Diagnosis, given: Given, reference: ImageSet, shifted: ImageSet, model: nn.Module | None = None
) -> Diagnosis:
    """The diagnosis with the commands that go on from it and can be run with what was given."""
    commands = (
        _repair(diagnosis, given, min(len(reference), len(shifted))),
        _export(diagnosis, given, shifted, model),
        _page(diagnosis, given),
    )
    return replace(diagnosis, commands=tuple(shlex.join(["shiftassay", *words]) for words in commands if words))


def _repair(diagnosis: Diagnosis, given: Given, images: int) -> list[str]:
    """Where a model was harmed, or may be: a repair, judged by labels or by partners' answers.

    A repair takes sets of one size, and one file of labels.
    """
    shift = diagnosis.verdict.shift
    harmless = shift is not None and shift.group in ("none", "sample")
    judged = diagnosis.accuracy is not None or diagnosis.pairing.kind != "unpaired"
    taken = diagnosis.framing is None and len(set(given.labels)) <= 1 and images >= FEWEST
    if given.model is None or harmless or not judged or not taken:
        return []
    labels = ["--labels", str(given.labels[0])] if given.labels else []
    train = [] if given.train is None else ["--train", given.train]
    about = [*labels, *train, *given.of_model, *given.of_sets]
    return ["repair", given.reference, given.shifted, "--model", given.model, *about]


def _export(diagnosis: Diagnosis, given: Given, shifted: ImageSet, model: nn.Module | None) -> list[str]:
    """Where the verdict was kept and can be undone in front of the model: both as one file."""
    if given.model is None or model is None or given.json_file is None or str(given.json_file) == "-":
        return []
    shape = known_shape(model)
    try:
        traceable_undo(undo_in_front(diagnosis, given.json_file), shape or shifted.shape)
    except BadInput:
        return []
    size = [] if shape else ["--shape", ",".join(map(str, shifted.shape))]
    ending = ".onnx" if find_spec("onnxruntime") and find_spec("onnxscript") else ".pt2"
    return ["export", given.model, f"{FILE}{ending}", "--undo", str(given.json_file), *size, *given.of_model]


def _page(diagnosis: Diagnosis, given: Given) -> list[str]:
    """Where the shift is unknown and no page was asked for: the same again, with a page."""
    if diagnosis.verdict.shift is not None or given.report is not None:
        return []
    labels = [word for file in given.labels for word in ("--labels", str(file))]
    model = [] if given.model is None else ["--model", given.model, *given.of_model]
    return ["diagnose", given.reference, given.shifted, *labels, *model, *given.of_sets, "--report", PAGE]
