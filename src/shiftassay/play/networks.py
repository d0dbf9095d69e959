"""The trained networks that a playground asks.

They are those that are named, else those in the folder of runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.models.classifier import Classifier
from shiftassay.models.load import load_models
from shiftassay.models.predict import predict
from shiftassay.networks.registry import parameters_of
from shiftassay.records import plain
from shiftassay.runs.store import CARD, Run

MOST = 6  # networks; each costs some milliseconds for every answer


def named_networks(
    names: Sequence[str], images: Float32[np.ndarray, "n c h w"], *, takes: str | None = None, trust: bool = False
) -> dict[str, nn.Module]:
    """The models under a title for each.

    `images` (n, c, h, w) are some of those that will be shown. Raises `BadInput` for a model that can't take them.
    """
    models = load_models(names, takes=takes, trust=trust)
    for model in models.values():
        predict(images, model=model)
    return _titled(models)


def networks_in(folder: Path, images: Float32[np.ndarray, "n c h w"]) -> tuple[dict[str, nn.Module], list[str]]:
    """The newest complete runs in or below a folder that can take these images, under their titles.

    With a note on each run that can't, and on a limit that was met.
    """
    cards = sorted(_runs(folder), key=lambda run: (-(run.folder / CARD).stat().st_mtime, str(run.folder)))
    models: dict[str, nn.Module] = {}
    notes = []
    for run in cards:
        if len(models) == MOST:
            notes.append(
                f"{folder}: holds more than {MOST} runs; the newest are asked. Name others on the command line."
            )
            break
        name = str(run.folder)
        try:
            model = load_models([name])[name]
            predict(images, model=model)
        except BadInput as error:
            notes.append(f"left out: {error}")
            continue
        models[name] = model
    return _titled(models), notes


def _runs(folder: Path) -> Iterable[Run]:
    runs = (Run(path) for path in (folder, *folder.glob("**/runs/*")))
    return [run for run in runs if run.complete]


def _titled(models: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    titled: dict[str, nn.Module] = {}
    for name, model in models.items():
        title = _title(name, model)
        titled[title if title not in titled else f"{title} ({name})"] = model
    return titled


def _title(name: str, model: nn.Module) -> str:
    if not isinstance(model, Classifier):
        return Path(name).name
    card = model.card
    defaults = parameters_of(card.network)
    chosen = {key: value for key, value in card.parameters.items() if plain(defaults.get(key)) != plain(value)}
    parameters = ", ".join(f"{key} = {value}" for key, value in chosen.items())
    return card.network + f" ({parameters})" * bool(parameters) + ("" if card.seed is None else f", seed {card.seed}")
