"""`shiftassay export`: a model as one file, with the undo of a diagnosis in front of it."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Json, Quiet, Takes, Trust, Weights
from shiftassay.cli.places import MB, room
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say


def export(
    model: Annotated[str, typer.Argument(help=MODEL)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .onnx or .pt2 file to write.")],
    undo: Annotated[
        Path | None,
        typer.Option(metavar="DIAGNOSIS", help="Undo the shift of this diagnosis (diagnose --json) before the model."),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(metavar="C,H,W", help="Channels, height and width of an image, where the model does not say it."),
    ] = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write a model as one file, ONNX or an exported program.

    The file is asked whether it answers as the model does. With the undo of a diagnosis, a repair is deployed as one
    file.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay export demo/runs/* demo.pt2`
    """
    from shiftassay.diagnosis.undone import read_undo
    from shiftassay.models.export import export as export_model
    from shiftassay.models.export import read_shape
    from shiftassay.models.load import load_model

    shift = None if undo is None else read_undo(undo)
    classifier = load_model(model, weights, takes=takes, trust=trust)
    with room(file, sum(tensor.nbytes for tensor in classifier.state_dict().values()) + MB):
        exported = export_model(classifier, file, shape=None if shape is None else read_shape(shape), undo=shift)
    with written(json_file, "shiftassay.export/1", exported.to_json()):
        say(exported)
