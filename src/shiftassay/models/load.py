"""A model from a run's folder, a weights file beside its card, or a factory of the user's."""

import sys
import warnings
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.limits import check_memory, check_ratio
from shiftassay.models import fronted
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.one_for_all import SCHEMA, OneForAll, OneForAllCard
from shiftassay.models.predict import as_bad_input, reason
from shiftassay.records import JsonObject
from shiftassay.runs.store import CARD, WEIGHTS, Run

ADVICE = "Save model.state_dict(), nothing around it, with torch.save or safetensors."


def load_model(name: str | Path, weights: Path | None = None) -> nn.Module:
    """A trained model, in evaluation mode, from images (black 0, white 1) to logits.

    `name` is a run's folder, or `package.module:factory` (looked for in the working directory too) with a file of
    weights: `.safetensors`, or a PyTorch state dict, which is read without unpickling code. Raises `BadInput`.
    """
    if ":" in str(name) and not Path(name).exists():
        model = _from_factory(str(name))
        if weights is not None:
            _fill(model, weights, str(name))
        with as_bad_input(f"{name}: the model can't be put into evaluation mode"):
            return model.eval()
    folder = Path(name)
    if weights is not None:
        raise BadInput(f"{folder}: --weights goes with package.module:factory; a run's folder brings its own.")
    run = Run(folder)
    if not run.complete:
        raise BadInput(
            f"{folder}: not a run's folder (no {CARD} in it). Train one with 'shiftassay train mlp', or "
            "give your own model as package.module:factory with --weights FILE."
        )
    card, state = run.card(), {name: torch.from_numpy(array) for name, array in run.weights().items()}
    try:
        with torch.device("meta"), warnings.catch_warnings(action="ignore"):
            plan = _untrained(card)  # without memory: the card may name any sizes, and the weights tell the true ones
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise BadInput(f"{folder / CARD}: not a model card ({error}). Train the model again.") from None
    with warnings.catch_warnings(action="ignore"):  # that nothing can be copied into no memory
        _fill_with(state, plan.network, folder / WEIGHTS, folder)
    model = _untrained(card)
    _fill_with(state, model.network, folder / WEIGHTS, folder)
    return model.eval()


def _untrained(card: JsonObject) -> Classifier | OneForAll | fronted.Fronted:
    if card.get("schema") == SCHEMA:
        return OneForAll(OneForAllCard.from_json(card))
    if card.get("schema") == fronted.SCHEMA:
        return fronted.Fronted.from_card(fronted.FrontedCard.from_json(card))
    return Classifier.from_card(ModelCard.from_json(card))


def _from_factory(name: str) -> nn.Module:
    module_name, _, factory_name = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        model = getattr(import_module(module_name), factory_name)()
    except (Exception, SystemExit) as error:  # whatever a user's own code may raise
        raise BadInput(
            f"{name}: {reason(error).rstrip('.')}. Expected a folder of a run, or package.module:factory, a function "
            "without arguments that returns the model."
        ) from None
    finally:
        sys.path.pop(0)
    if not isinstance(model, nn.Module):
        raise BadInput(f"{name}: the factory returned {type(model).__name__}, not an nn.Module.")
    return model


def _fill(model: nn.Module, weights: Path, where: str) -> None:
    _fill_with(tensors_of(read_file(weights), weights), model, weights, where)


def _fill_with(state: dict[str, torch.Tensor], model: nn.Module, weights: Path, where: str | Path) -> None:
    try:
        model.load_state_dict(state)
    except (Exception, SystemExit) as error:  # of a user's own code too
        why = " ".join(str(error).split()) or reason(error)
        hint = (
            " Its names begin with 'module.': save model.module.state_dict()."
            if all(k.startswith("module.") for k in state)
            else ""
        )
        raise BadInput(f"{weights}: does not fit {where}: {why[:300]}.{hint}") from None


def read_file(path: Path) -> Any:
    """What a `.safetensors` file, or one written by torch.save, holds.

    No code in it is run. Raises `BadInput`.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file of weights.")
    try:
        _check_size(path)
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except BadInput:
        raise
    except Exception as error:  # a damaged or foreign file may raise anything
        raise BadInput(f"{path}: can't be read as weights ({type(error).__name__}). {ADVICE}") from None


def _check_size(path: Path) -> None:
    """Raise `BadInput` for a file that takes too much memory.

    Compressed archives count as unpacked, since torch unpacks them.
    """
    held = unpacked = path.stat().st_size
    if path.suffix != ".safetensors" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        check_ratio(unpacked, held, str(path))
    check_memory(unpacked, 0, str(path))


def tensors_of(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """A state dict, if that is what it is. Raises `BadInput`."""
    if not isinstance(content, dict) or not content or not all(isinstance(t, torch.Tensor) for t in content.values()):
        is_dict = isinstance(content, dict)
        holds = f"a dictionary of {', '.join(map(str, content))}" if is_dict else f"a {type(content).__name__}"
        raise BadInput(f"{path}: holds {holds[:200]}, not tensors by name. {ADVICE}")
    return content
