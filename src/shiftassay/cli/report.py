"""`shiftassay report`: a report from stored results."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Json, NoPictures
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a study's results.")],
    no_pictures: NoPictures = False,
    json_file: Json = None,
) -> None:
    """Build a study's report again from its stored results.

    Example: `shiftassay run shifted-test-sets --quick && shiftassay report out/studies/shifted-test-sets-quick`
    """
    from shiftassay.studies.folder import write_report_again

    path = write_report_again(folder, show_images=not no_pictures)
    with written(json_file, "shiftassay.report/1", {"report": str(path)}):
        say(path)
