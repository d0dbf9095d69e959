"""`shiftassay repair`: a model for a shifted set."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Device, Json, Labels, LeaveOut, Quiet, Report, Takes, Trust, Unpickle, Weights
from shiftassay.cli.places import MB, room, saved
from shiftassay.cli.progress import watching
from shiftassay.cli.results import reported, say_notes, written
from shiftassay.cli.terminal import say


def repair(
    reference: Annotated[
        str, typer.Argument(help="The images the model was meant for: a file, a folder of pictures or a data set.")
    ],
    shifted: Annotated[str, typer.Argument(help="The images it met.")],
    model: Annotated[str, typer.Option(help=MODEL)],
    labels: Labels = None,
    train: Annotated[
        str | None,
        typer.Option(metavar="SET", help="Training images with labels; by default those that the model's card names."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of whatever is trained.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer training images and weaker attacks.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the recommended model in this folder.")] = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    report: Report = None,
    leave_out: LeaveOut = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Try repairs of a model for a shifted set, the least intrusive first, and say which to take.

    Example: `shiftassay train mlp --epochs 1 --out demo &&
    shiftassay shift invert mnist:test inverted.npy &&
    shiftassay repair mnist:test inverted.npy --model demo/runs/* --quick --out repaired`
    """
    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.repairs.keep import keep, room_to_keep
    from shiftassay.repairs.repair import repair as repair_model
    from shiftassay.report import repair_page
    from shiftassay.training.train import resolve_device
    from shiftassay.words.lists import in_columns

    classifier = load_model(model, weights, takes=takes, trust=trust)
    with watching() as watch:
        read = partial(read_image_set, unpickle=unpickle, watch=watch)
        before = read(reference, labels=labels)
        after = read(shifted, labels=labels, reference=before)
        training = read(train) if train else None
    after = leaving_out(after, leave_out or [], like=before)
    with watching() as watch, ExitStack() as held:
        if out is not None:
            held.enter_context(room(out, 2 * room_to_keep(classifier, out) + MB, folder=True))
        result = repair_model(
            before,
            after,
            model=classifier,
            train=training,
            seed=seed,
            epochs=epochs,
            quick=quick,
            device=resolve_device(device),
            watch=watch,
        )

    def keep_model() -> None:
        if out is not None:
            keep(result, out)

    page = partial(repair_page.report, result, {"model": model, "reference": reference, "shifted": shifted})
    with written(json_file, "shiftassay.repair/1", result.to_json()), saved(keep_model), reported(report, page):
        say(result.sentence)
        for line in in_columns(result.rows()):
            say(line)
        for name, why in result.skipped.items():
            if name != "none":
                say(f"Not tried: {name}, since {why}.")
        say_notes([before, after])
        for note in result.notes:
            say(note, error=True)
    if out is not None:
        say(f"{out}: the repaired model. Go on with 'shiftassay evaluate {out} {shifted}'.")
