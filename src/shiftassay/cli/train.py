"""`shiftassay train`: members of a network, or one model for several variants."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftassay.cli.options import Device, Json, Out, Quiet
from shiftassay.cli.results import written
from shiftassay.cli.terminal import console, say
from shiftassay.errors import BadInput

if TYPE_CHECKING:
    from shiftassay.training.tracking import Tracking


def train(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK[:k=v,…]",
            help="A network (shiftassay list networks) and its parameters, "
            "or one-for-all: one model for several variants.",
        ),
    ],
    variants: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For one-for-all: the folder of the variants (clean.npy, t1.npy, …)."),
    ] = None,
    data: Annotated[
        str, typer.Option(help="A data set (shiftassay list datasets) or a folder of IDX files.")
    ] = "mnist",
    recipe: Annotated[str | None, typer.Option(help="A recipe; by default the network's own.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs, if not the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The seed of a single member.")] = 0,
    seeds: Annotated[int | None, typer.Option(min=1, help="Train members with seeds 0 … N − 1.")] = None,
    log_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="tensorboard|mlflow",
            help="Also send each epoch's metrics there: to the folder tensorboard or the file mlflow.db in DIR, or to "
            "the server that MLFLOW_TRACKING_URI names; may be given again.",
        ),
    ] = None,
    out: Out = Path("out"),
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Train one member of a network, or one for each of several seeds.

    With a folder of variants, train one model for all of them.

    Example: `shiftassay train mlp --epochs 1`
    """
    from shiftassay.networks.registry import parse
    from shiftassay.training.progress import progress
    from shiftassay.training.tracking import both, tracking
    from shiftassay.training.train import TrainingFailed, resolve_recipe
    from shiftassay.training.train import train as train_members

    members = range(seeds) if seeds else [seed]
    if network == "one-for-all" or variants is not None:
        with tracking(log_to or [], out) as log:
            _train_one_for_all(network, variants, data, recipe, epochs, members, out, device, json_file, log)
        return
    network, parameters = parse(network)
    failed: TrainingFailed | None = None
    with (
        tracking(log_to or [], out) as log,
        progress(len(members), resolve_recipe(network, recipe, epochs).epochs, console()) as show,
    ):
        try:
            trained = train_members(
                network,
                data,
                recipe=recipe,
                seeds=members,
                epochs=epochs,
                parameters=parameters,
                store=out,
                device=device,
                watch=both(show, log),
            )
        except TrainingFailed as error:
            trained, failed = error.trained, error
        log.complete(trained)
    members_json = [
        {"folder": str(m.folder), "trial": m.trial.to_json(), "epochs": [e.to_json() for e in m.metrics]}
        for m in trained
    ]
    with written(json_file, "shiftassay.training/1", {"members": members_json}):
        for member in trained:
            say(member)
    if failed:
        raise failed


def _train_one_for_all(
    network: str,
    variants: Path | None,
    data: str,
    recipe: str | None,
    epochs: int | None,
    seeds: Sequence[int],
    out: Path,
    device: str,
    json_file: Path | None,
    log: "Tracking",
) -> None:
    from shiftassay.studies.shifted.folder_model import train_for_folder

    if network != "one-for-all" or variants is None:
        raise BadInput(
            f"{network}{' --variants' * (variants is not None)}: one-for-all and --variants DIR go together, "
            "for example shiftassay train one-for-all --variants out/studies/shifted-test-sets/variants."
        )
    trained = train_for_folder(
        variants,
        data,
        recipe=recipe or "mlp",
        epochs=epochs,
        seeds=seeds,
        store=out,
        device=device,
        console=console(),
        watch=log,
    )
    log.complete(trained)
    members = [
        {
            "folder": str(m.folder),
            "trial": m.trial.to_json(),
            "epochs": [e.to_json() for e in m.metrics],
            "held_out": m.held_out,
        }
        for m in trained
    ]
    with written(json_file, "shiftassay.training/1", {"members": members}):
        for member in trained:
            say(member)
