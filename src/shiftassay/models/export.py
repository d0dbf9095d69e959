"""A model, and an undo in front of it, written as one file: ONNX or an exported program."""

import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from shiftassay.errors import BadInput, NotDone
from shiftassay.files import write_whole
from shiftassay.models.classifier import Classifier
from shiftassay.models.exported_program import TAKES, load_program, quiet_export
from shiftassay.models.fronted import Fronted
from shiftassay.models.onnx_file import OnnxSession, load_onnx
from shiftassay.models.onnx_front import onnx_of, with_front
from shiftassay.models.predict import as_bad_input, copied, predict, reason
from shiftassay.models.prepared import CallableModule, Prepared
from shiftassay.models.takes import Takes
from shiftassay.models.traceable import traceable, traceable_undo
from shiftassay.records import Record
from shiftassay.shifts.family import Shift
from shiftassay.words.numbers import in_bytes

ENDINGS = (".onnx", ".pt2")
OURS = Takes(layout="nchw", black=(0.0,), white=(1.0,))
ANY_BATCH = {0: Dim.DYNAMIC}
CHECKED = 64  # images that the file is asked about, beside the model
ROUNDING = 1e-3  # of the largest logit, by which both may differ

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Exported(Record):
    """A model's file: how it takes images, what is undone in front, how far it is from the model.

    That is the largest difference of a logit on the images that it was checked on.
    """

    file: str
    bytes: int
    takes: str
    images: Shape
    undone: str | None
    largest_difference: float

    def __str__(self) -> str:
        undone = f"{self.undone} undone, then the model; " if self.undone else ""
        size = " × ".join(map(str, self.images))
        return (
            f"{self.file}: {undone}images of {size}, {self.takes}; {in_bytes(self.bytes)}. Logits are within "
            f"{self.largest_difference:.2g} of the model's own on {CHECKED} images."
        )


def export(model: nn.Module, path: str | Path, *, shape: Shape | None = None, undo: Shift | None = None) -> Exported:
    """Write a model as ONNX (`.onnx`) or as an exported program (`.pt2`).

    Then the file is asked whether it answers alike. It takes any number of images (c, h, w), float32 from black 0 to
    white 1, and gives logits; an ONNX file to which only an `undo` is added keeps its own way of taking images. `shape`
    is that of an image, where neither the model's card nor its file says it. With `undo`, the shift is undone in front
    of the model. Raises `BadInput` for what can't be written so, and `NotDone` if the file doesn't answer as the model
    does.
    """
    path = Path(path)
    onnx = path.suffix.lower() == ".onnx"
    if path.suffix.lower() not in ENDINGS:
        raise BadInput(f"{path}: a model is written as {' or '.join(ENDINGS)}. Name it {path.stem}.onnx.")
    shape = _shape(model, shape)
    front = None if undo is None else traceable_undo(undo, shape)
    before = [] if front is None else [front]
    takes = OURS
    if isinstance(model, Prepared) and isinstance(model.model, OnnxSession):
        content, takes = _with_front(model, model.model.path, front, shape, path), model.takes
        model = nn.Sequential(*before, model).eval()
    else:
        model = nn.Sequential(*before, _traceable_model(model, shape)).eval()
        program = _program(model, shape, path)
        content = onnx_of(program, path, {TAKES: OURS.text}) if onnx else _as_program(program)
    write_whole(path, content)
    undone = None if undo is None else str(undo)
    return Exported(str(path), len(content), takes.text, shape, undone, _difference(path, model, shape))


def read_shape(text: str) -> Shape:
    """Channels, height and width of an image, as `3,224,224`. Raises `BadInput`.

    >>> read_shape("3,224,224")
    (3, 224, 224)
    """
    sizes = re.fullmatch(r"(\d+)[,x](\d+)[,x](\d+)", text.replace(" ", ""))
    if sizes is None or "0" in sizes.groups():
        raise BadInput(f"--shape {text!r}: expected channels, height and width, as in --shape 3,224,224.")
    return int(sizes[1]), int(sizes[2]), int(sizes[3])


def known_shape(model: nn.Module) -> Shape | None:
    """The shape (c, h, w) of the images that a model takes; None if nothing says it."""
    if isinstance(model, Classifier):
        return model.card.input_shape
    if isinstance(model, Fronted):
        return model.input_shape
    return model.takes.shape if isinstance(model, Prepared) else None


def _shape(model: nn.Module, shape: Shape | None) -> Shape:
    """The shape of an image: the model's own if it is known, else the one that was given."""
    known = known_shape(model)
    if known is not None and shape is not None and known != shape:
        raise BadInput(f"the model takes images of {known}, not of {shape}. Leave --shape out.")
    wanted = known or shape
    if wanted is None:
        raise BadInput(
            "the model doesn't say the size of its images. Say it: --shape 3,224,224 (channels, height, width)"
        )
    return wanted


def _traceable_model(model: nn.Module, shape: Shape) -> nn.Module:
    """A copy of a model that is made of tensor operations alone."""
    if isinstance(model, Fronted):
        return nn.Sequential(traceable(model.front, shape), _traceable_model(model.model, shape))
    if isinstance(model, Prepared) and isinstance(model.model, CallableModule):
        raise BadInput("a function of arrays is only asked, and can't be exported. Export the model that it calls.")
    return copied(model).to("cpu", torch.float32).eval()


def _program(model: nn.Module, shape: Shape, path: Path) -> ExportedProgram:
    example = torch.from_numpy(_images(shape)[:2])
    with as_bad_input("the model can't be asked about images of that size"), torch.no_grad():
        model(example)
    with quiet_export(), warnings.catch_warnings(action="ignore"):
        try:
            return torch.export.export(model, (example,), dynamic_shapes=(ANY_BATCH,))
        except Exception as error:  # PyTorch's exporter has many, and a user's own code may raise anything
            raise BadInput(
                f"{path}: PyTorch can't export the model ({reason(error)}). Its forward must be tensor operations, the "
                "same for all images and any number of them."
            ) from None


def _as_program(program: ExportedProgram) -> bytes:
    buffer = io.BytesIO()
    with quiet_export(), warnings.catch_warnings(action="ignore"):
        torch.export.save(program, buffer, extra_files={TAKES: OURS.text})
    return buffer.getvalue()


def _with_front(model: Prepared, source: Path, front: nn.Module | None, shape: Shape, path: Path) -> bytes:
    if front is None or path.suffix.lower() != ".onnx":
        raise BadInput(f"{path}: {source} is ONNX already, and can only be written as that, with --undo before it.")
    return with_front(source, front, model.takes, shape, path)


def _images(shape: Shape) -> np.ndarray:
    return np.random.default_rng(0).random((CHECKED, *shape), np.float32)


def _difference(path: Path, model: nn.Module, shape: Shape) -> float:
    """The largest difference of a logit of the file from the model's.

    Raises `NotDone` where it is no rounding.
    """
    images = _images(shape)
    written = load_onnx(path) if path.suffix.lower() == ".onnx" else load_program(path, trust=True)  # it is our own
    wanted, answers = predict(images, model=model), predict(images, model=written)
    largest = float(np.abs(wanted - answers).max())
    if largest > ROUNDING * max(1.0, float(np.abs(wanted).max())):
        raise NotDone(f"{path}: the file answers otherwise than the model: logits differ by up to {largest:.3g}.")
    return largest
