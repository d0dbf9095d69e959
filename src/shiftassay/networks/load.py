"""A model from what a user has: a run's folder, a weights file beside its card, or a factory of their own."""

import json
import pickle
import sys
from importlib import import_module
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.networks.classifier import Classifier, ModelCard
from shiftassay.runs.store import CARD, WEIGHTS


def load_model(name: str | Path, weights: Path | None = None) -> nn.Module:
    """A trained model, in evaluation mode, from images (black 0, white 1) to logits.

    `name` is a run's folder, or `package.module:factory` (looked for in the working directory too) with a file of
    weights: `.safetensors`, or a PyTorch state dict, which is read without unpickling code. Raises `BadInput`.
    """
    if ":" in str(name) and not Path(name).exists():
        model = _from_factory(str(name))
        if weights is not None:
            _fill(model, weights, str(name))
        return model.eval()
    folder = Path(name)
    if not (folder / CARD).is_file() or not (folder / WEIGHTS).is_file():
        raise BadInput(
            f"{folder}: not a run's folder ({CARD} and {WEIGHTS} are not both in it). Train one with 'shiftassay train mlp', or "
            "give your own model as package.module:factory with --weights FILE."
        )
    try:
        model = Classifier.from_card(ModelCard.from_json(json.loads((folder / CARD).read_text())))
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise BadInput(f"{folder / CARD}: not a model card ({error}). Train the model again.") from None
    _fill(model.network, folder / WEIGHTS, str(folder))
    return model.eval()


def _from_factory(name: str) -> nn.Module:
    module_name, _, factory_name = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        factory = getattr(import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise BadInput(f"{name}: {error}. Expected a folder of a run, or package.module:factory.") from None
    finally:
        sys.path.pop(0)
    model = factory()
    if not isinstance(model, nn.Module):
        raise BadInput(f"{name}: the factory returned {type(model).__name__}, not an nn.Module.")
    return model


def _fill(model: nn.Module, weights: Path, where: str) -> None:
    if not weights.is_file():
        raise BadInput(f"{weights}: no such file of weights.")
    try:
        if weights.suffix == ".safetensors":
            tensors = load_file(weights)
        else:
            tensors = torch.load(weights, map_location="cpu", weights_only=True)
        model.load_state_dict(tensors)
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise BadInput(f"{weights}: can't be read as weights ({str(error).splitlines()[0]}).") from None
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{weights}: does not fit {where}: {reason[:300]}") from None
