"""`shiftassay compare`: networks over their seeds, or models on the same images."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import Device, Json, Labels, LeaveOut, Quiet, Report, Takes, Trust, Unpickle
from shiftassay.cli.progress import watching
from shiftassay.cli.results import reported, say_notes, written
from shiftassay.cli.terminal import say
from shiftassay.errors import BadInput


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN… | MODEL… SET",
            help="Folders of runs: two networks or more, seeds of each. Or two models or more, of any make, then the "
            "images to show them.",
        ),
    ],
    margin: Annotated[float, typer.Option(min=1e-6, max=1, help="Differences below this count as none.")] = 0.002,
    labels: Labels = None,
    takes: Takes = None,
    trust: Trust = False,
    unpickle: Unpickle = False,
    device: Device = "auto",
    report: Report = None,
    leave_out: LeaveOut = None,
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Compare networks over their seeds, or any models on the same images, pair by pair.

    Seeds that two networks have in common are compared with each other. P-values are corrected for the number of pairs;
    equivalence is tested too. Models on the same images are compared by their answers and, with labels, by accuracy;
    from which layer on they part is said, and whether precision, mode, weights or the way images are given explains it.

    Example: `shiftassay train mlp --epochs 1 --seeds 2 --out pair &&
    shiftassay train trunk --epochs 1 --seeds 2 --out pair &&
    shiftassay compare pair/runs/*`
    """
    from shiftassay.evaluation.agreement import ComparisonOfModels, compare_models
    from shiftassay.evaluation.compare import ComparisonOfGroups
    from shiftassay.evaluation.compare import compare as compare_groups
    from shiftassay.evaluation.groups import read_groups
    from shiftassay.imagesets.image_set import ImageSet
    from shiftassay.imagesets.left_out import leaving_out
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_models, names_model
    from shiftassay.report import comparison_page
    from shiftassay.runs.store import Run
    from shiftassay.training.train import resolve_device

    comparison: ComparisonOfGroups | ComparisonOfModels
    sets: list[ImageSet] = []
    if all(Run(Path(name)).complete for name in models):
        schema = "shiftassay.comparison/1"
        groups = read_groups([Path(name) for name in models], leave_out or [])
        comparison = compare_groups(groups.right, margin, seeds=groups.seeds)
    else:
        schema = "shiftassay.comparison_of_models/1"
        *names, images = models
        if names_model(images):
            raise BadInput(f"{images}: models are compared on the same images. Name the images last.")
        classifiers = load_models(names, takes=takes, trust=trust)
        with watching() as watch:
            image_set = read_image_set(images, labels=labels, unpickle=unpickle, watch=watch)
            image_set = leaving_out(image_set, leave_out or [])
            comparison = compare_models(
                classifiers, image_set, margin=margin, device=resolve_device(device), watch=watch
            )
        sets.append(image_set)
    page = partial(
        comparison_page.report, comparison, {"compared": ", ".join(models), "margin": f"{100 * margin:g} points"}
    )
    with written(json_file, schema, comparison.to_json()), reported(report, page):
        for sentence in comparison.sentences():
            say(sentence)
        say_notes(sets)
