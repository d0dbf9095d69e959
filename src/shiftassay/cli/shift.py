"""`shiftassay shift`: a shifted set from the catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Json, Labels, Quiet, Takes, Trust, Unpickle, Weights
from shiftassay.cli.places import MB, room
from shiftassay.cli.progress import watching
from shiftassay.cli.results import say_notes, written
from shiftassay.cli.terminal import say


def shift(
    family: Annotated[
        str,
        typer.Argument(metavar="FAMILY[:k=v,…]", help="A shift (shiftassay list shifts) and its parameters."),
    ],
    source: Annotated[str, typer.Argument(metavar="IN", help="An image file, a folder of pictures or a data set.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The .npy file to write.")],
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    model: Annotated[str | None, typer.Option(help="For shifts that are aimed at a model.")] = None,
    labels: Labels = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    unpickle: Unpickle = False,
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Make a shifted set with a family of the catalogue.

    `low..high` draws a parameter at random, with `scope=per_image` afresh for each image.

    Example: `shiftassay shift rotate:angle=15 mnist:test rotated.npy`
    """
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.imagesets.write import check_npy, write_array, write_images
    from shiftassay.models.load import load_model
    from shiftassay.models.predict import aimed_at
    from shiftassay.shifts.catalog import parse
    from shiftassay.shifts.catalog import shift as shift_set
    from shiftassay.shifts.family import Context

    parsed = parse(family)
    check_npy(target)
    with watching() as watch:
        image_set = read_image_set(source, labels=labels, unpickle=unpickle, watch=watch)
    context = None
    if model and image_set.labels is not None:
        aim = aimed_at(load_model(model, weights, takes=takes, trust=trust).requires_grad_(False))
        context = Context(image_set.labels, aim)
    with room(target, image_set.images.nbytes + MB):
        shifted = shift_set(image_set, parsed, seed, context)
    path = write_images(target, shifted.images)
    beside = path.with_name(f"{path.stem}-labels.npy")
    others = None if shifted.labels is image_set.labels else shifted.labels
    if others is not None:
        write_array(beside, others)
    with written(json_file, "shiftassay.shift/1", {"images": str(target), "seed": seed, **parsed.to_json()}):
        say_notes([image_set])
        say(f"{path}: {len(shifted):,} images, {parsed}")
        if others is not None:
            say(f"{beside}: their labels, which are not those of {image_set.name} any more")
