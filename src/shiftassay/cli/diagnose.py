"""`shiftassay diagnose`: which shift lies between two sets."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import (
    MODEL,
    Device,
    Json,
    LeaveOut,
    NoPictures,
    Quiet,
    Report,
    Takes,
    Trust,
    Unpickle,
    Weights,
)
from shiftassay.cli.places import release, saved
from shiftassay.cli.progress import watching
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say
from shiftassay.errors import BadInput


def diagnose(
    reference: Annotated[
        str, typer.Argument(help="The images as they should be: a file, a folder of pictures or a data set.")
    ],
    shifted: Annotated[
        str, typer.Argument(help="The images as they are. Two folders of pictures are paired by file name.")
    ],
    labels: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Labels of both sets; given twice, of the reference and of the shifted set."),
    ] = None,
    model: Annotated[str | None, typer.Option(help=MODEL)] = None,
    weights: Weights = None,
    takes: Takes = None,
    trust: Trust = False,
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Another model, which an attack may hurt as well; may be given again."),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="SET",
            help="Training images: a data set's training part, a file or a folder of pictures. By default the model's.",
        ),
    ] = None,
    ceiling: Annotated[
        bool, typer.Option("--ceiling", help="Also estimate what the best classifier could reach; takes minutes.")
    ] = False,
    expect: Annotated[
        str | None,
        typer.Option(metavar="FAMILY", help="Exit with code 1 if the verdict is of another family: identity for none."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    report: Report = None,
    no_pictures: NoPictures = False,
    leave_out: LeaveOut = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Name the shift between two sets, with its parameters and what else was tried.

    With a model, the name is proved and the failure explained.

    Example: `shiftassay shift rotate:angle=15 mnist:test rotated.npy && shiftassay diagnose mnist:test rotated.npy`
    """
    from shiftassay.diagnosis.diagnose import diagnose as diagnose_sets
    from shiftassay.diagnosis.gate import check_expected, hold_to
    from shiftassay.diagnosis.given import read_pair, training_images
    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.models.load import load_model, load_models
    from shiftassay.repairs.commands import Given, with_commands
    from shiftassay.training.train import resolve_device

    if expect is not None:
        check_expected(expect)
    if beside and not model:
        raise BadInput("--beside: what an attack does to other models is asked of one on --model. Give that too.")
    classifier = load_model(model, weights, takes=takes, trust=trust) if model else None
    others = load_models(beside or [], takes=takes, trust=trust)
    with watching() as watch:
        before, after = read_pair(reference, shifted, labels or [], unpickle, seed=seed, watch=watch)
        training = training_images(train, classifier, before, unpickle, watch) if train or ceiling else None
        after = leaving_out(after, leave_out or [], like=before)
        diagnosis = diagnose_sets(
            before,
            after,
            model=classifier,
            others=others,
            train=training,
            ceiling=ceiling,
            seed=seed,
            device=resolve_device(device),
            watch=watch,
        )

    given = Given(
        reference,
        shifted,
        labels or (),
        model,
        weights,
        takes,
        trust,
        train,
        leave_out or (),
        unpickle,
        json_file,
        report,
    )
    diagnosis = with_commands(diagnosis, given, before, after, classifier)

    def write_report() -> None:
        if report is not None:
            from shiftassay.report.diagnosis_page import write_page  # here: other diagnoses need no Matplotlib

            write_page(
                release(report),
                diagnosis,
                before,
                after,
                classifier,
                seed,
                {"model": model or "none"},
                show_images=not no_pictures,
            )

    with written(json_file, "shiftassay.diagnosis/1", diagnosis.to_json()), saved(write_report):
        for note in diagnosis.notes:
            say(note, error=True)
        say(diagnosis)
        if ceiling and diagnosis.ceiling is None:
            say("No ceiling: it needs labels, images with partners, and a shift that can be named.")
        if report is not None:
            say(report)
    if expect is not None:
        hold_to(expect, diagnosis.verdict)
