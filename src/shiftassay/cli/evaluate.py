"""`shiftassay evaluate`: accuracies with their intervals."""

from functools import partial
from typing import Annotated

import typer

from shiftassay.cli.options import Device, Json, Labels, LeaveOut, Unpickle, Weights
from shiftassay.cli.reading import reading
from shiftassay.cli.results import say_notes, written
from shiftassay.cli.terminal import say


def evaluate(
    model: Annotated[str, typer.Argument(help="A run's folder, or package.module:factory.")],
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET…", help="Image files, folders of pictures or data sets; the first is the reference."
        ),
    ],
    labels: Labels = None,
    weights: Weights = None,
    margin: Annotated[
        float, typer.Option(min=1e-6, max=1, help="A loss that is shown to be below this is called slight.")
    ] = 0.005,
    leave_out: LeaveOut = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Measure accuracy with its interval, and compare each further set with the first, paired.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay evaluate demo/runs/* mnist:test`
    """
    from shiftassay.evaluation.evaluate import evaluate as evaluate_set
    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.training.train import resolve_device

    classifier = load_model(model, weights)
    with reading() as watch:
        read = partial(read_image_set, labels=labels, unpickle=unpickle, watch=watch)
        reference = read(sets[0])
        others = [read(path, reference=reference) for path in sets[1:]]
    reference = leaving_out(reference, leave_out or [])
    others = [leaving_out(other, leave_out or [], like=reference) for other in others]
    device = resolve_device(device)
    results = [evaluate_set(reference, model=classifier, device=device)]
    results += [
        evaluate_set(other, model=classifier, reference=reference, margin=margin, device=device) for other in others
    ]
    with written(json_file, "shiftassay.evaluation/1", {"sets": [result.to_json() for result in results]}):
        say_notes([reference, *others])
        for result in results:
            say(str(result))
