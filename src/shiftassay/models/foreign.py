"""Weights trained elsewhere, as those of a network here.

It is recognised, tensors are renamed, dead ones dropped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shiftassay.errors import BadInput
from shiftassay.models.classifier import ModelCard
from shiftassay.models.weights_file import read_file, tensors_of
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.records import Record, not_kept
from shiftassay.runs.store import Run
from shiftassay.words.html import paragraphs
from shiftassay.words.lists import first_of

INPUT_SHAPE = (1, 28, 28)
MEAN, SD = 0.1307, 0.3081  # what the PyTorch tutorials and seed 003 normalise MNIST by
WRAPPERS = ("state_dict", "model_state_dict", "model")
PREFIXES = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}
SHARED_LAYOUT = ("attention", "attention-across-batch")  # the same names and shapes, used along different axes
ACROSS, WITHIN = "attention-across-batch", "attention"
ATTENTION_NAMES = {
    ".q.": ".query.",
    ".k.": ".key.",
    ".v.": ".value.",
    ".ma.": ".attention.",
}


@dataclass(frozen=True)
class TensorChange(Record):
    """A tensor of the file that was dropped, renamed or altered.

    `here` is its name now, None if it was dropped.
    """

    tensor: str
    here: str | None
    numbers: int
    reason: str

    def __str__(self) -> str:
        kept = "kept" if self.here == self.tensor else f"now {self.here}"
        return f"{self.tensor} ({self.numbers:,}): {'dropped' if self.here is None else kept}, {self.reason}"


@dataclass(frozen=True)
class Imported(Record):
    """Weights that fit one of our networks.

    `parameters` is how many numbers were kept, `dropped` how many were not; `changes` accounts for each tensor that was
    dropped, renamed or altered.
    """

    network: str
    classes: int
    parameters: int
    dropped: int
    changes: tuple[TensorChange, ...]
    notes: tuple[str, ...]
    state: dict[str, Tensor] = not_kept()

    def sentences(self) -> list[str]:
        """What became of each tensor that changed, and notes on what was assumed."""
        return [*map(str, self.changes), *self.notes]

    def __str__(self) -> str:
        kept = f"{self.network}, {self.parameters:,} parameters kept, {self.dropped:,} dropped."
        return "\n".join([kept, *self.sentences()])

    def __repr__(self) -> str:
        return f"<Imported {self.network}: {self.parameters:,} parameters kept, {self.dropped:,} dropped>"

    def _repr_html_(self) -> str:
        return paragraphs(*str(self).splitlines())


def import_weights(path: str | Path, network: str | None = None) -> Imported:
    """Read weights for MNIST that were trained elsewhere, as those of the same network here.

    Known are PyTorch's spatial-transformer tutorial (`stn`), the same without the transformer (`trunk`), seed 003's
    CoordConv networks (`coordconv-stn`, `coordconv`) and its attention (`attention-across-batch`, which is what it
    computes), and whatever else fits a network here by name and shape. `network` decides where several do. Files are
    read without unpickling code. Raises `BadInput` with what did not fit.
    """
    path, notes = Path(path), []
    state = _without_prefixes(tensors_of(_unwrapped(read_file(path), notes), path), notes)
    state, changes, across = _renamed(*_without_dead(state))
    if network is not None and network not in NETWORKS:
        NETWORKS[network]  # raises, with the nearest name
    classes = len(state["fc2.weight"]) if "fc2.weight" in state else 10
    candidates = [network] if network else list(NETWORKS)
    misfits = {name: _misfits(name, classes, state) for name in candidates}
    fitting = [name for name in candidates if not misfits[name]]
    if not fitting:
        nearest = min(candidates, key=lambda name: len(misfits[name]))
        raise BadInput(
            f"{path}: fits {'not ' + network if network else 'no network here'}. "
            f"{'' if network else f'The nearest is {nearest}. '}What did not fit: {first_of(misfits[nearest])}. "
            "Compare 'shiftassay list networks', or keep your own class and give it as package.module:factory with "
            "--weights FILE."
        )
    if len(fitting) > 1:
        if not across:
            raise BadInput(f"{path}: fits {' and '.join(fitting)} alike. Say which is meant with --network.")
        fitting = [ACROSS]
    [name] = fitting
    notes += _notes(name, across, [change for change in changes if change.here is None])
    if types := {str(tensor.dtype) for tensor in state.values()} - {"torch.float32"}:
        notes.append(f"Converted from {', '.join(sorted(types))} to single precision.")
    state = {key: tensor.float().contiguous() for key, tensor in state.items()}
    return Imported(
        network=name,
        classes=classes,
        parameters=sum(tensor.numel() for tensor in state.values()),
        dropped=sum(change.numbers for change in changes if change.here is None),
        changes=tuple(changes),
        notes=tuple(notes),
        state=state,
    )


def keep(imported: Imported, folder: Path, source: str | Path) -> Path:
    """Keep imported weights as a folder that `load_model` reads.

    The report of what was changed lies beside them.
    """
    card = ModelCard(
        network=imported.network,
        parameters={},
        input_shape=INPUT_SHAPE,
        classes=imported.classes,
        mean=MEAN,
        sd=SD,
        seed=None,
        data="unknown",
        trial="imported",
    )
    weights = {name: tensor.numpy() for name, tensor in imported.state.items()}
    Run(folder).keep_imported(card.to_json(), weights, {"source": str(source), **imported.to_json()})
    return folder


def _unwrapped(content: Any, notes: list[str]) -> Any:
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            others = ", ".join(str(name) for name in content if name != wrapper)
            notes.append(f"A checkpoint: only its {wrapper!r} was taken" + (f", not {others}." if others else "."))
            return content[wrapper]
    return content


def _without_prefixes(state: dict[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    for prefix, origin in PREFIXES.items():
        if all(name.startswith(prefix) for name in state):
            notes.append(f"Every name began with {prefix!r}, from {origin}: left out.")
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _without_dead(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[TensorChange]]:
    """The weights without seed 003's unused convolutions, with coordinates in our order.

    Its CoordConv layers inherit these convolutions and never use them. Such a layer is a Conv2d that holds another,
    `conv`, which does the work on the input, the row and the column; here the column (x) comes before the row (y).
    """
    kept, changes = dict(state), []
    layers = [name.removesuffix(".conv.weight") for name in state if name.endswith(".conv.weight")]
    for layer in layers:
        if f"{layer}.weight" not in state:
            continue
        for name in (f"{layer}.weight", f"{layer}.bias"):
            if name in kept:
                reason = f"never used: {layer} computes with {layer}.conv alone"
                changes.append(TensorChange(name, None, kept.pop(name).numel(), reason))
        name = f"{layer}.conv.weight"
        weight = kept[name]
        if weight.ndim == 4 and weight.shape[1] > 2:
            order = [*range(weight.shape[1] - 2), weight.shape[1] - 1, weight.shape[1] - 2]
            kept[name] = weight[:, order]
            reason = "its last two input channels change places: there (row, column), here (column, row)"
            changes.append(TensorChange(name, name, weight.numel(), reason))
    return kept, changes


def _renamed(
    state: dict[str, Tensor], changes: list[TensorChange]
) -> tuple[dict[str, Tensor], list[TensorChange], bool]:
    """With our names for seed 003's attention, and whether it is that."""
    renamed = {}
    for name, tensor in state.items():
        here = name
        if name.startswith(("vit1.", "vit2.")):
            here = "attention" + name.removeprefix("vit")
            for theirs, ours in ATTENTION_NAMES.items():
                here = here.replace(theirs, ours, 1)
            changes.append(TensorChange(name, here, tensor.numel(), "another name"))
        renamed[here] = tensor
    return renamed, changes, any(name.startswith("vit") for name in state)


def _misfits(network: str, classes: int, state: dict[str, Tensor]) -> list[str]:
    """What keeps weights from being those of a network: unknown and missing names, other shapes."""
    with torch.random.fork_rng(devices=[]):
        ours = build(network, INPUT_SHAPE, classes, {}).state_dict()
    misfits = [f"{name} {tuple(tensor.shape)} is unknown" for name, tensor in state.items() if name not in ours]
    misfits += [f"{name} {tuple(tensor.shape)} is missing" for name, tensor in ours.items() if name not in state]
    return misfits + [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in ours.items()
        if name in state and state[name].shape != tensor.shape
    ]


def _notes(network: str, across: bool, dropped: list[TensorChange]) -> Iterable[str]:
    if network in SHARED_LAYOUT:
        yield "Two heads are assumed: weights do not say how many."
    if across and network == ACROSS:
        yield (
            "The attention of this layout runs from image to image of a batch (PyTorch's batch_first=False), so that "
            "is what it is imported as: a prediction depends on the other images. See 'shiftassay audit'."
        )
    if across and network == WITHIN:
        yield (
            "These weights were trained with attention across the batch; within an image, as asked for, they compute "
            "something that they were not trained for."
        )
    if network.endswith("stn"):
        yield (
            "Images are sampled with align_corners=False, PyTorch's default since 1.3; older weights may expect "
            "another grid."
        )
    if network.startswith("coordconv") and not dropped:
        yield (
            "No unused convolution stands beside the CoordConv layers, so they are taken for this lab's own: "
            "coordinates (column, row), nothing changed."
        )
    yield (
        f"Images are normalised by mean {MEAN} and standard deviation {SD}, as in PyTorch's MNIST examples; weights do "
        "not say."
    )
