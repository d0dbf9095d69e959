"""`shiftassay audit`: what a model does that it should not."""

from functools import partial
from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Device, Json, Labels, LeaveOut, Quiet, Report, Takes, Trust, Unpickle, Weights
from shiftassay.cli.progress import watching
from shiftassay.cli.results import reported, say_notes, written
from shiftassay.cli.terminal import say


def audit(
    model: Annotated[str, typer.Argument(help=MODEL)],
    images: Annotated[
        str, typer.Argument(metavar="[SET]", help="An image file, a folder of pictures or a data set.")
    ] = "mnist:test",
    largest_batch: Annotated[int, typer.Option(min=1, help="The largest batch to try.")] = 10_000,
    single_images: Annotated[int, typer.Option(min=1, help="How many images to show one at a time.")] = 1000,
    labels: Labels = None,
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
    """Look for what a model should not do.

    That is: dead parameters, answers that depend on the batch, chance, saturation.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay audit demo/runs/*`
    """
    from shiftassay.evaluation.audit import audit as audit_model
    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.report import audit_page
    from shiftassay.training.train import resolve_device

    classifier = load_model(model, weights, takes=takes, trust=trust)
    with watching() as watch:
        image_set = read_image_set(images, labels=labels, unpickle=unpickle, watch=watch)
        image_set = leaving_out(image_set, leave_out or [])
        result = audit_model(
            image_set,
            model=classifier,
            largest_batch=largest_batch,
            single_images=single_images,
            device=resolve_device(device),
            watch=watch,
        )
    page = partial(audit_page.report, result, {"model": model, "images": images})
    with written(json_file, "shiftassay.audit/1", {"model": model, **result.to_json()}), reported(report, page):
        for check in result.checks:
            say(str(check))
        say_notes([image_set])
