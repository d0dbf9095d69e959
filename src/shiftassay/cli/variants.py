"""`shiftassay variants`: a study's shifted test sets as files."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Device, Json, Out, Quiet, Weights
from shiftassay.cli.results import written
from shiftassay.cli.terminal import console, say


def variants(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")],
    study: Annotated[str, typer.Option(help="The study whose variants to write.")] = "shifted-test-sets",
    model: Annotated[
        str | None,
        typer.Option(help="The model that t3 and t4 are sets for; by default the study's of seed 0."),
    ] = None,
    weights: Weights = None,
    out: Out = Path("out"),
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write clean.npy, t1.npy … t4.npy and labels.npy.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay variants mine --model demo/runs/*`
    """
    from shiftassay.studies.run import study_variants

    variants = study_variants(study, folder, model, weights, out, device, console())
    with written(json_file, "shiftassay.variants/1", {"folder": str(folder), "sets": variants.to_json()}):
        for image_set, origin in variants.sets:
            say(f"{folder / image_set.name}.npy: {origin}")
