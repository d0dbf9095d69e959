"""Writing ONNX: a program as a graph, and a graph with another in front of it."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from shiftassay.errors import BadInput
from shiftassay.models.exported_program import quiet_export
from shiftassay.models.onnx_file import EXTRA, TAKES
from shiftassay.models.predict import reason
from shiftassay.models.takes import Takes

OLDEST = 18  # the operator set below which PyTorch writes none: an older graph is brought to it
LARGEST = 2**31 - 1  # bytes of a file that Protocol Buffers can hold

Shape = tuple[int, int, int]


def onnx_of(
    program: ExportedProgram,
    path: Path,
    metadata: Mapping[str, str],
    names: tuple[str, str] = ("images", "logits"),
    opset: int | None = None,
) -> bytes:
    """A program as an ONNX file's content, its weights inside.

    Raises `BadInput` where the extra is missing, or for operations that ONNX lacks.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  # what PyTorch's exporter is made with
    except ImportError:
        raise BadInput(
            f"ONNX files are written with onnx and onnxscript, which are not installed here: {EXTRA}"
        ) from None
    with quiet_export(), warnings.catch_warnings(action="ignore"):
        try:
            exported = torch.onnx.export(
                program,
                (),
                dynamo=True,
                verbose=False,
                input_names=[names[0]],
                output_names=[names[1]],
                opset_version=opset,
            )
        except Exception as error:  # PyTorch's exporter has many
            raise BadInput(f"{path}: the model can't be written as ONNX ({reason(error)}). Try .pt2.") from None
    assert exported is not None
    model = exported.model_proto
    if model.ByteSize() > LARGEST:
        raise BadInput(f"{path}: an ONNX file holds 2 GB, and this model is larger. Export it as .pt2.")
    onnx.helper.set_model_props(model, dict(metadata))
    return model.SerializeToString()


class _Around(nn.Module):
    """A front for images as a model takes them: brought back to ours, and prepared again."""

    def __init__(self, front: nn.Module, takes: Takes, shape: Shape):
        super().__init__()
        self.front, self.takes, self.shape = front, takes, shape

    def forward(self, images: Tensor) -> Tensor:
        return self.takes.prepared(self.front(self.takes.restored(images, self.shape)))


def with_front(source: Path, front: nn.Module, takes: Takes, shape: Shape, path: Path) -> bytes:
    """The content of an ONNX file with a front before its model.

    It takes images as that model does. Raises `BadInput`.
    """
    import onnx

    model = onnx.load(str(source))
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    opset = max(OLDEST, *versions)
    around = _Around(front, takes, shape).eval()
    example = takes.prepared(torch.zeros(takes.batch or 2, *shape))
    given = {entry.name for entry in model.graph.initializer}
    [wanted] = [entry.name for entry in model.graph.input if entry.name not in given]
    try:
        with quiet_export(), warnings.catch_warnings(action="ignore"):
            sizes = None if takes.batch else ({0: Dim.DYNAMIC},)
            program = torch.export.export(around, (example,), dynamic_shapes=sizes)
        before = onnx.load_from_string(onnx_of(program, path, {}, ("images", "undone"), opset))
        if min(versions) < opset:
            model = onnx.version_converter.convert_version(model, opset)
        before.ir_version = model.ir_version = max(before.ir_version, model.ir_version)
        before = onnx.compose.add_prefix(before, "undo/", rename_inputs=False, rename_outputs=False)
        merged = onnx.compose.merge_models(before, model, io_map=[("undone", wanted)])
    except BadInput:
        raise
    except Exception as error:  # of packages that have many
        raise BadInput(f"{path}: the undo can't be put before {source} ({reason(error)}).") from None
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(merged, metadata | {TAKES: takes.text})
    return merged.SerializeToString()
