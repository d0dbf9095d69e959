"""ONNX files, answered by ONNX Runtime on the CPU: no operator of the file's own is loaded."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.limits import check_memory
from shiftassay.models.prepared import Prepared
from shiftassay.models.takes import Size, Takes
from shiftassay.words.lists import first_of

if TYPE_CHECKING:
    import onnxruntime

EXTRA = "pip install 'shiftassay[onnx]'"
TAKES = "shiftassay.takes"  # our own key in a file's metadata
TYPES = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
    "tensor(uint8)": torch.uint8,
    "tensor(int8)": torch.int8,
    "tensor(int16)": torch.int16,
    "tensor(int32)": torch.int32,
    "tensor(int64)": torch.int64,
}
ANSWERS = ("tensor(float)", "tensor(float16)", "tensor(double)")
# The keys and values that ONNX itself defines for models of images.
STANDARD_RANGES = {"NominalRange_0_255": "0:255", "Normalized_0_1": "0:1", "Normalized_1_1": "-1:1"}
# Operators whose output these are; those of linear classifiers say it of themselves.
PROBABILITIES = ("Softmax", "Sigmoid", "Normalizer", "TreeEnsembleClassifier")
SAID = (b"SOFTMAX", b"LOGISTIC")
PASSING = ("Cast", "Identity", "Reshape", "Squeeze", "Flatten", "Transpose")  # operators that keep values


class OnnxSession(nn.Module):
    """One input to one output of an ONNX file; no gradient.

    A session has the threads that PyTorch has when it is first asked: a single one has no pool, and survives a fork.
    """

    def __init__(self, path: Path, output: str | None = None):
        super().__init__()
        self.path = path
        self.sessions: dict[int, onnxruntime.InferenceSession] = {}
        self.output = output

    def session(self) -> "onnxruntime.InferenceSession":
        """The session for as many threads as PyTorch has.

        Raises `BadInput` for a file that can't be run.
        """
        threads = torch.get_num_threads()
        if threads not in self.sessions:
            self.sessions[threads] = _session(self.path, threads)
        return self.sessions[threads]

    def forward(self, images: Tensor) -> Tensor:
        session = self.session()
        [answer] = session.run([self.output], {session.get_inputs()[0].name: images.detach().cpu().numpy()})
        return torch.from_numpy(np.array(answer)).to(images.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> "OnnxSession":
        copied = OnnxSession(self.path, self.output)
        copied.sessions = self.sessions  # which nothing changes
        return copied


def load_onnx(path: Path, takes: str | None = None) -> Prepared:
    """The model in an ONNX file, from images (black 0, white 1) to logits.

    Layout, size and type are read from the file; so is the range of values where the file says it, by `takes` of ours
    or ONNX's own metadata for images. `takes` says what the file doesn't. Where the last operator gives probabilities,
    their logarithms are taken. Raises `BadInput`.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file. Name an ONNX file, or the folder of a run.")
    check_memory(path.stat().st_size, 0, str(path))
    model = OnnxSession(path)
    session = model.session()
    wanted = session.get_inputs()
    if len(wanted) != 1:
        names = first_of(entry.name for entry in wanted)
        raise BadInput(f"{path}: takes {len(wanted)} inputs ({names}), and images are one. Export it with one input.")
    if wanted[0].type not in TYPES:
        raise BadInput(f"{path}: takes {wanted[0].type}, and images are numbers. Export it with an input of numbers.")
    model.output = _answers(session, path)
    sizes = [_size(entry) for entry in wanted[0].shape]
    read = Takes.of_array(sizes, TYPES[wanted[0].type], str(path))
    read = replace(read, probabilities=_ends_in_probabilities(path, model.output))
    read = read.stated(_from_metadata(session.get_modelmeta().custom_metadata_map), str(path))
    return Prepared(model, read.stated(takes, str(path)).known(str(path)), str(path))


def runtime() -> ModuleType:
    """ONNX Runtime. Raises `BadInput` where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        raise BadInput(f"ONNX files are run by ONNX Runtime, which is not installed here: {EXTRA}") from None
    return onnxruntime


def _session(path: Path, threads: int) -> "onnxruntime.InferenceSession":
    ort = runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 4  # what is wrong is said by the error
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each way to fail
        raise BadInput(f"{path}: {_why(str(error))}") from None


def _why(message: str) -> str:
    """What keeps ONNX Runtime from a file, and what to do."""
    text = " ".join(message.split()).partition(" : ")[2] or " ".join(message.split())
    lower = text.lower()
    if "not a registered function/op" in lower or "no opset import for domain" in lower:
        return (
            f"wants an operator that is no part of ONNX, and no file's own code is run ({text[:200]}). Export without."
        )
    if "opset" in lower or "ir_version" in lower or "ir version" in lower:
        return f"is of an operator set that this ONNX Runtime doesn't know ({text[:200]}). Export it with an older one."
    if "external data" in lower or "external_data" in lower or "no such file" in lower:
        return f"its weights are in another file, which can't be read ({text[:200]}). Keep both in one folder."
    if "protobuf" in lower:
        return "is no ONNX file, or damaged: it can't be parsed. Export it again."
    return f"can't be run by ONNX Runtime ({text[:300]}). Export it again."


def _answers(session: "onnxruntime.InferenceSession", path: Path) -> str:
    """The name of the output that has a row of numbers for each image."""
    outputs = session.get_outputs()
    fitting = [entry.name for entry in outputs if entry.type in ANSWERS and len(entry.shape or (0, 0)) == 2]
    if len(fitting) == 1:
        return fitting[0]
    listed = first_of(f"{entry.name} of {entry.type}" for entry in outputs)
    hint = " (of scikit-learn: options={'zipmap': False})" if any("map" in entry.type for entry in outputs) else ""
    raise BadInput(
        f"{path}: {'none' if not fitting else 'several'} of its outputs could be logits, (images, classes): {listed}. "
        f"Export it with one such output{hint}."
    )


def _size(entry: object) -> Size:
    return entry if isinstance(entry, int) and entry > 0 else None


def _from_metadata(metadata: Mapping[str, str]) -> str | None:
    """What the metadata says, as `Takes.stated` reads it."""
    if TAKES in metadata:
        return metadata[TAKES]
    words = [STANDARD_RANGES.get(metadata.get("Image.NominalPixelRange", ""), "")]
    words.append("bgr" if metadata.get("Image.BitmapPixelFormat", "").lower().startswith("bgr") else "")
    return ",".join(word for word in words if word) or None


def _ends_in_probabilities(path: Path, output: str) -> bool:
    """Whether the operator that makes the output gives probabilities."""
    try:
        import onnx
    except ImportError:
        raise BadInput(f"ONNX files are read with the package onnx, which is not installed here: {EXTRA}") from None
    graph = onnx.load(str(path), load_external_data=False).graph
    makers = {name: node for node in graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in PASSING:
        node = makers.get(node.input[0])
    if node is None:
        return False
    return node.op_type in PROBABILITIES or any(a.name == "post_transform" and a.s in SAID for a in node.attribute)
