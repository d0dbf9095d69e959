"""`shiftassay predict`: labels and probabilities."""

from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Device, Json, LeaveOut, Quiet, Takes, Trust, Unpickle, Weights
from shiftassay.cli.progress import watching
from shiftassay.cli.results import say_notes, written
from shiftassay.cli.terminal import say


def predict(
    model: Annotated[str, typer.Argument(help=MODEL)],
    images: Annotated[str, typer.Argument(metavar="SET", help="An image file, a folder of pictures or a data set.")],
    variant: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The variant that the images are, for a model that serves several."),
    ] = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    leave_out: LeaveOut = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Predict the label of each image with its probability; all probabilities with --json.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay predict demo/runs/* mnist:test --json p.json`
    """
    from scipy.special import softmax

    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.models.one_for_all import for_variant
    from shiftassay.models.predict import check_finite
    from shiftassay.models.predict import predict as predict_set
    from shiftassay.training.train import resolve_device

    classifier = for_variant(load_model(model, weights, takes=takes, trust=trust), variant)
    with watching() as watch:
        image_set = read_image_set(images, labels="none", unpickle=unpickle, watch=watch)
    image_set = leaving_out(image_set, leave_out or [])
    with watching() as watch:
        logits = predict_set(image_set.images, model=classifier, device=resolve_device(device), watch=watch)
    check_finite(logits, image_set.name)
    probabilities = softmax(logits.astype(float), axis=1)
    names = image_set.names or [str(index) for index in range(len(image_set))]
    content = {"labels": probabilities.argmax(1).tolist(), "probabilities": probabilities.round(6).tolist()}
    if image_set.names is not None:
        content["names"] = list(image_set.names)
    with written(json_file, "shiftassay.predictions/1", content):
        say_notes([image_set])
        width = max(5, *map(len, names)) if names else 5
        say(f"{'image':{width}}  label  probability")
        for name, row in zip(names, probabilities, strict=True):
            say(f"{name:>{width}}  {row.argmax():5}  {row.max():.4f}")
