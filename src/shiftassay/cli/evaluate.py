"""`shiftassay evaluate`: accuracies with their intervals."""

from functools import partial
from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Device, Json, Labels, LeaveOut, Quiet, Report, Takes, Trust, Unpickle, Weights
from shiftassay.cli.progress import watching
from shiftassay.cli.results import reported, say_notes, written
from shiftassay.cli.terminal import say
from shiftassay.errors import BadInput


def evaluate(
    model: Annotated[str, typer.Argument(help=MODEL)],
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET…", help="Image files, folders of pictures or data sets; the first is the reference."
        ),
    ],
    max_drop: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="Exit with code 1 if accuracy (without labels, agreement) is lower than on the first set by more.",
        ),
    ] = None,
    labels: Labels = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    margin: Annotated[
        float, typer.Option(min=1e-6, max=1, help="A loss that is shown to be below this is called slight.")
    ] = 0.005,
    report: Report = None,
    leave_out: LeaveOut = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Measure accuracy with its interval, and compare each further set with the first, paired.

    Without labels, measure on how many images the answers are those to the first set.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay evaluate demo/runs/* mnist:test`
    """
    from shiftassay.evaluation.agreement import Agreement, agreement
    from shiftassay.evaluation.evaluate import Evaluation
    from shiftassay.evaluation.evaluate import evaluate as evaluate_set
    from shiftassay.evaluation.gate import hold_to
    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.report import evaluation_page
    from shiftassay.training.train import resolve_device

    classifier = load_model(model, weights, takes=takes, trust=trust)
    with watching() as watch:
        read = partial(read_image_set, labels=labels, unpickle=unpickle, watch=watch)
        reference = read(sets[0])
        others = [read(path, reference=reference) for path in sets[1:]]
    if max_drop is not None and not others:
        raise BadInput("--max-drop: a drop is from the first set to another. Name a second set.")
    reference = leaving_out(reference, leave_out or [])
    others = [leaving_out(other, leave_out or [], like=reference) for other in others]
    device = resolve_device(device)
    evaluations: list[Evaluation] = []
    agreements: list[Agreement] = []
    with watching() as watch:
        if others and any(images.labels is None for images in (reference, *others)):
            ask = partial(agreement, model=classifier, reference=reference, device=device, watch=watch)
            agreements = [ask(other) for other in others]
        else:
            ask = partial(evaluate_set, model=classifier, device=device, watch=watch)
            evaluations = [ask(reference), *(ask(other, reference=reference, margin=margin) for other in others)]
    content = {"sets": [one.to_json() for one in evaluations], "agreements": [one.to_json() for one in agreements]}
    about = {"model": model, "sets": ", ".join(sets), "margin": f"{100 * margin:g} points"}
    page = partial(evaluation_page.report, evaluations, agreements, about)
    with written(json_file, "shiftassay.evaluation/1", content), reported(report, page):
        for result in (*evaluations, *agreements):
            say(str(result))
        say_notes([reference, *others])
    if max_drop is not None:
        hold_to(max_drop, [*evaluations[1:], *agreements])
