"""`shiftassay compare`: networks over their seeds."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Json, LeaveOut
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Folders of runs: two networks or more, seeds of each.")
    ],
    margin: Annotated[float, typer.Option(min=1e-6, max=1, help="Differences below this count as none.")] = 0.002,
    leave_out: LeaveOut = None,
    json_file: Json = None,
) -> None:
    """Compare networks over their seeds on the test set, pair by pair.

    Seeds that two networks have in common are compared with each other. P-values are corrected for the number of pairs;
    equivalence is tested too.

    Example: `shiftassay train mlp --epochs 1 --seeds 2 --out pair &&
    shiftassay train trunk --epochs 1 --seeds 2 --out pair &&
    shiftassay compare pair/runs/*`
    """
    from shiftassay.evaluation.compare import compare as compare_groups
    from shiftassay.evaluation.groups import read_groups

    groups = read_groups(runs, leave_out or [])
    comparison = compare_groups(groups.right, margin, seeds=groups.seeds)
    with written(json_file, "shiftassay.comparison/1", comparison.to_json()):
        for sentence in comparison.sentences():
            say(sentence)
