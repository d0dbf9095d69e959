"""The options that several verbs have."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.places import JSON_ROOM, kept

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", callback=kept(JSON_ROOM), help="Also write the result as JSON."),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where results are kept.")]
Labels = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Labels: .npy, .npz, .csv or IDX; none for none. Of pictures: .csv with columns file and label.",
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REGION",
        help="Leave out a time stamp, a border, a logo: left,top,right,bottom in pixels, or a mask picture that is "
        "white there; may be given again.",
    ),
]
Weights = Annotated[Path | None, typer.Option(metavar="FILE", help="Weights for package.module:factory.")]
Unpickle = Annotated[
    bool,
    typer.Option(
        "--unpickle",
        help="Read pickled .npy files. This runs whatever code is in them: only for files you trust.",
    ),
]
