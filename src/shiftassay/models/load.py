"""A model by its name: a run's folder, a user's factory, an ONNX file, an exported program."""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import known_datasets
from shiftassay.model import Model
from shiftassay.models import fronted
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.one_for_all import SCHEMA, OneForAll, OneForAllCard
from shiftassay.models.predict import as_bad_input, reason
from shiftassay.models.prepared import module_of
from shiftassay.models.weights_file import read_file, tensors_of
from shiftassay.records import JsonObject
from shiftassay.runs.store import CARD, WEIGHTS, Run

FACTORY = "package.module:factory"


def load_model(
    name: str | Path, weights: str | Path | None = None, *, takes: str | None = None, trust: bool = False
) -> nn.Module:
    """A trained model, in evaluation mode, from images (black 0, white 1) to logits.

    `name` is one of

    - a run's folder;
    - `package.module:factory` (looked for in the working directory too) with a file of `weights`: `.safetensors`, or
      a PyTorch state dict, which is read without unpickling code. A factory returns an `nn.Module`, or a function of
      NumPy arrays;
    - an ONNX file, `.onnx`, which ONNX Runtime answers (the extra `onnx`);
    - an exported program, `.pt2`, which is only read with `trust`, since reading one runs whatever code is in it.

    `takes` says how images are given to a model that does not say so itself, in words with commas between them: the
    layout (nchw, nhwc, nhw, flat-chw, flat-hwc), the values of black and white (0:1, 0:255, -1:1, imagenet), bgr, and
    logits or probabilities for what it answers. Raises `BadInput`.
    """
    ending = Path(name).suffix.lower()
    if is_factory(name):
        model = _from_factory(str(name))
        if weights is not None:
            _fill(model, Path(weights), str(name))
        with as_bad_input(f"{name}: the model can't be put into evaluation mode"):
            return module_of(model, takes, str(name)).eval()
    folder = Path(name)
    if weights is not None:
        raise BadInput(f"{folder}: --weights goes with {FACTORY}; a run's folder, or a model's file, brings its own.")
    if ending == ".onnx":
        from shiftassay.models.onnx_file import load_onnx

        return load_onnx(folder, takes).eval()
    if ending == ".pt2":
        from shiftassay.models.exported_program import load_program

        return load_program(folder, takes, trust).eval()
    if takes is not None:
        raise BadInput(f"{folder}: --takes goes with a model of another make; a run of ours takes images as they are.")
    run = Run(folder)
    if not run.complete:
        raise BadInput(
            f"{folder}: not a run's folder (no {CARD} in it). Train one with 'shiftassay train mlp', or give your own "
            f"model: an .onnx file, an exported program (.pt2), or {FACTORY} with --weights FILE."
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


def is_factory(name: str | Path) -> bool:
    """Whether a name is meant for `package.module:factory`."""
    return ":" in str(name) and not Path(name).exists()


def load_models(names: Sequence[str], *, takes: str | None = None, trust: bool = False) -> dict[str, nn.Module]:
    """Several models by their names, as `load_model` reads each.

    `takes` is for those that are no runs of ours. Raises `BadInput`.
    """
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadInput(f"{twice}: is given twice. Give each model once.")
    return {name: load_model(name, takes=None if Run(Path(name)).complete else takes, trust=trust) for name in names}


def names_model(name: str) -> bool:
    """Whether a name is that of a model, not of a set of images."""
    path = Path(name)
    if path.suffix.lower() in (".onnx", ".pt2") or Run(path).complete:
        return True
    return is_factory(name) and name.partition(":")[0] not in known_datasets()


def _untrained(card: JsonObject) -> Classifier | OneForAll | fronted.Fronted:
    if card.get("schema") == SCHEMA:
        return OneForAll(OneForAllCard.from_json(card))
    if card.get("schema") == fronted.SCHEMA:
        return fronted.Fronted.from_card(fronted.FrontedCard.from_json(card))
    return Classifier.from_card(ModelCard.from_json(card))


def _from_factory(name: str) -> Model:
    module_name, _, factory_name = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        model = getattr(import_module(module_name), factory_name)()
    except (Exception, SystemExit) as error:  # whatever a user's own code may raise
        raise BadInput(
            f"{name}: {reason(error).rstrip('.')}. Expected a folder of a run, an .onnx or .pt2 file, or {FACTORY}, a "
            "function without arguments that returns the model."
        ) from None
    finally:
        sys.path.pop(0)
    if not callable(model):
        raise BadInput(
            f"{name}: the factory returned {type(model).__name__}, not an nn.Module or a function of images."
        )
    return model


def _fill(model: Model, weights: Path, where: str) -> None:
    if not isinstance(model, nn.Module):
        raise BadInput(f"{weights}: --weights are for an nn.Module, and {where} returned {type(model).__name__}.")
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
