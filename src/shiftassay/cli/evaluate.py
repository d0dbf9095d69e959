"""`shiftassay evaluate`: accuracies with their intervals."""

from functools import partial
from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Device, Json, Labels, Takes, Trust, Unpickle, Weights
from shiftassay.cli.reading import reading
from shiftassay.cli.results import say_notes, written
from shiftassay.cli.terminal import say


def evaluate(
    model: Annotated[str, typer.Argument(help=MODEL)],
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET…", help="Image files, folders of pictures or data sets; the first is the reference."
        ),
    ],
    labels: Labels = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    margin: Annotated[
        float, typer.Option(min=1e-6, max=1, help="A loss that is shown to be below this is called slight.")
    ] = 0.005,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Measure accuracy with its interval, and compare each further set with the first, paired.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay evaluate demo/runs/* mnist:test`
    """
    from shiftassay.evaluation.evaluate import evaluate as evaluate_set
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.training.train import resolve_device

    classifier = load_model(model, weights, takes=takes, trust=trust)
    with reading() as watch:
        read = partial(read_image_set, labels=labels, unpickle=unpickle, watch=watch)
        reference = read(sets[0])
        others = [read(path, reference=reference) for path in sets[1:]]
    device = resolve_device(device)
    results = [evaluate_set(reference, model=classifier, device=device)]
    results += [
        evaluate_set(other, model=classifier, reference=reference, margin=margin, device=device) for other in others
    ]
    with written(json_file, "shiftassay.evaluation/1", {"sets": [result.to_json() for result in results]}):
        say_notes([reference, *others])
        for result in results:
            say(str(result))
