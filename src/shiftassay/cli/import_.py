"""`shiftassay import`: others' weights into our networks."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Json, Quiet
from shiftassay.cli.places import MB, room
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PyTorch state dict or .safetensors file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to keep the model in.")],
    network: Annotated[str | None, typer.Option(help="The network meant, where several fit.")] = None,
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Read others' weights into our networks.

    A report says what was dropped, renamed or changed, and why.

    Example: `shiftassay train trunk --epochs 1 --out theirs &&
    shiftassay import theirs/runs/*/model.safetensors --out imported`
    """
    from shiftassay.models.foreign import import_weights, keep
    from shiftassay.runs.store import Run

    Run(out).check_free()
    with room(out, MB, folder=True):
        imported = import_weights(file, network)
    keep(imported, out, file)
    with written(json_file, "shiftassay.import/1", {"folder": str(out), **imported.to_json()}):
        say(
            f"{out}: {imported.network}, {imported.parameters:,} parameters kept, {imported.dropped:,} dropped. "
            f"Go on with 'shiftassay evaluate {out} mnist:test'."
        )
        for sentence in imported.sentences():
            say(sentence)
