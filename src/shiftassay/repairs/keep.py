"""Keeping a recommended model as a run's folder, which `load_model` reads like any other."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from shiftassay.errors import BadInput
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.fronted import Fronted, FrontedCard
from shiftassay.repairs.result import Repair
from shiftassay.runs.store import Run

TRIAL = "repaired"  # in the place of the digest of the trial that trained the model


def room_to_keep(model: nn.Module, folder: Path) -> int:
    """The bytes that `keep` needs for a repair of this model.

    Raises `BadInput` early, where `keep` would raise it.
    """
    _network_and_card(model, folder)
    Run(folder).check_free()
    return sum(tensor.nbytes for tensor in model.state_dict().values())


def keep(repair: Repair, folder: Path) -> None:
    """Keep the recommended model as a run.

    Raises `BadInput` if there is none, or if it can't be kept.
    """
    if repair.model is None or repair.recommended == "none":
        raise BadInput(f"{folder}: there is no repaired model to keep. {repair.sentence}")
    network, card = _network_and_card(repair.model, folder)
    weights = {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}
    Run(folder).keep_imported(card.to_json(), weights, repair.to_json())


def _network_and_card(model: nn.Module, folder: Path) -> tuple[nn.Module, ModelCard | FrontedCard]:
    """The network with the weights to keep, and the card to build it from.

    Raises `BadInput` for a user's own model.
    """
    if isinstance(model, Classifier):
        return model.network, replace(model.card, trial=TRIAL)
    if isinstance(model, Fronted) and isinstance(model.model, Classifier):
        return model.network, replace(model.card, model=replace(model.card.model, trial=TRIAL))
    raise BadInput(
        f"{folder}: a model of your own can't be kept as a run. Leave --out out, and write it with the undo in front: "
        "shiftassay export MODEL FILE --undo DIAGNOSIS. Or import its weights first (shiftassay import)."
    )
