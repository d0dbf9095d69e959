"""The options that several verbs have."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.places import JSON_ROOM, PAGE_ROOM, STDOUT, kept
from shiftassay.cli.terminal import be_quiet, hide_progress
from shiftassay.paths import page_path


def _json_place(path: Path | None) -> Path | None:
    """Room for the file; for `-`, stdout is left to the JSON alone."""
    if path == STDOUT:
        be_quiet(True)
        return path
    return kept(JSON_ROOM)(path)


def _page_place(path: Path | None) -> Path | None:
    """Room for a page, which is HTML: raises `BadInput` for the name of anything else."""
    return kept(PAGE_ROOM)(None if path is None else page_path(path))


def _quieted(asked: bool) -> bool:
    """An option's callback that keeps results from stdout, and progress from stderr."""
    if asked:
        be_quiet(True)
        hide_progress(True)
    return asked


Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        callback=_json_place,
        help="Also write the result as JSON; - writes it to stdout alone.",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        callback=_page_place,
        help="Also write a page; the same as Markdown, its figures and tables lie beside it.",
    ),
]
NoPictures = Annotated[bool, typer.Option("--no-pictures", help="Show no image of the sets on the page.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", callback=_quieted, help="Say nothing on stdout, and show no progress; messages stay on stderr."
    ),
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
MODEL = "A run's folder, an .onnx or .pt2 file, or package.module:factory."
Takes = Annotated[
    str | None,
    typer.Option(
        metavar="WORDS",
        help="How a model of another make takes images, where its file does not say: nchw or nhwc; the values of black "
        "and white, as 0:1, 0:255, -1:1 or imagenet; bgr; probabilities. With commas between: nhwc,0:255.",
    ),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Read .pt2 files. This runs whatever code is in them: only for files you trust."),
]
Weights = Annotated[Path | None, typer.Option(metavar="FILE", help="Weights for package.module:factory.")]
Unpickle = Annotated[
    bool,
    typer.Option(
        "--unpickle",
        help="Read pickled .npy files. This runs whatever code is in them: only for files you trust.",
    ),
]
