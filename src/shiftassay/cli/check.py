"""`shiftassay check`: is everything in a store undamaged?."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Json, Quiet
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say


def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results: what --out named, or one in it.")],
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Check that everything in a store is what was written, and say what would be made again.

    The exit code is 1 if something is damaged.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay check demo`
    """
    from shiftassay.errors import NotDone
    from shiftassay.studies.check import check_store

    report = check_store(folder)
    with written(json_file, "shiftassay.check/1", report.to_json()):
        for part in report.parts:
            say(f"{part.state:<10}  {part.path}: {part.sentence}")
        if not report.parts:
            say(f"{folder}: no run, study or variants in it.")
    if not report.whole:
        damaged = sum(part.state == "damaged" for part in report.parts)
        raise NotDone(f"{folder}: {damaged} {'file is' if damaged == 1 else 'files are'} damaged or missing.")
