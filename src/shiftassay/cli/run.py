"""`shiftassay run`: a study and its report."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from shiftassay.cli.options import Device, Json, NoPictures, Out, Quiet, Unpickle
from shiftassay.cli.results import written
from shiftassay.cli.terminal import console, say
from shiftassay.errors import BadInput


def run(
    study: Annotated[str, typer.Argument(help="A built-in study (shiftassay list studies) or a TOML file.")],
    quick: Annotated[bool, typer.Option("--quick", help="The same code path with fewer epochs.")] = False,
    full: Annotated[bool, typer.Option("--full", help="All seeds.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds.")] = None,
    out: Out = Path("out"),
    variants: Annotated[Path | None, typer.Option(metavar="DIR", help="Your own clean.npy and variants.")] = None,
    no_pictures: NoPictures = False,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run a study and write its report; the path of the report is printed last.

    Example: `shiftassay run shifted-test-sets --quick`
    """
    from shiftassay.runs.environment import check_committed
    from shiftassay.studies.run import run_study

    if json_file is not None:
        check_committed(json_file)
    if quick and full:
        raise BadInput("--quick and --full: choose one.")
    size: Literal["quick", "full", "default"] = "quick" if quick else "full" if full else "default"
    done = run_study(
        study,
        size=size,
        seeds=seeds,
        out=out,
        variants=variants,
        unpickle=unpickle,
        device=device,
        show_images=not no_pictures,
        console=console(),
    )
    with written(json_file, "shiftassay.study/1", done.results):
        say(done.report)
