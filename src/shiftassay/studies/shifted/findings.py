"""What the study of shifted test sets finds: the model, the variants, accuracy, classes, confidence."""

from collections.abc import Sequence

import numpy as np

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.runs.results import total_seconds
from shiftassay.studies.shifted.variants import Variants
from shiftassay.training.train import Trained
from shiftassay.words.numbers import brackets, mean_sd, minus, p_cell

SAMPLES = "samples.safetensors"

VERDICTS = {
    "equivalent": "no change that matters",
    "undecided": "neither a change nor its absence can be shown",
    "lower": "accuracy is lost",
    "higher": "accuracy is gained",
}

Evaluations = Sequence[Sequence[Evaluation]]
"""For each member, the evaluations of clean and of every variant."""


def findings(
    members: Sequence[Trained],
    variants: Variants,
    evaluations: Evaluations,
    classes: int,
    argument: Sequence[Finding] = (),
) -> list[Finding]:
    """The sections of the report, in the order in which they are read."""
    return [
        variants_finding(variants),
        accuracy_finding(evaluations, classes),
        *argument,
        model_finding(members, [evaluation[0] for evaluation in evaluations]),
        classes_finding(evaluations[0]),
        confidence_finding(evaluations[0]),
    ]


def summary(variants: Variants, evaluations: Evaluations) -> tuple[str, ...]:
    """What happened on clean and on each variant, in a line each."""
    clean, *shifted = evaluations[0]
    lines = [f"clean: {100 * clean.accuracy.estimate:.2f}% right."]
    for evaluation, origin in zip(shifted, variants.origins, strict=True):
        assert evaluation.comparison is not None
        verdict = VERDICTS[evaluation.comparison.verdict]
        named = evaluation.name if origin.startswith(evaluation.name) else f"{evaluation.name}, {origin}"
        lines.append(f"{named}: {100 * evaluation.accuracy.estimate:.2f}%, {verdict}.")
    return tuple(lines)


def accuracy_finding(evaluations: Evaluations, classes: int) -> Finding:
    """How accuracy changed on each variant: the first question of the study."""
    first, by_set = evaluations[0], list(zip(*evaluations, strict=True))
    seeds = [[evaluation.accuracy.estimate for evaluation in group] for group in by_set]
    columns = [
        "set",
        "accuracy [95%]",
        "change, points [95%]",
        "gained / lost",
        "McNemar p",
        "change < margin, p",
        "verdict",
    ]
    rows = [list(_row(evaluation)) for evaluation in first]
    if len(evaluations) > 1:
        columns.insert(2, f"mean ± sd of {len(evaluations)} seeds")
        for row, values in zip(rows, seeds, strict=True):
            row.insert(2, mean_sd(values, 100))
    comparison = next((e.comparison for e in first if e.comparison), None)
    caption = (
        "Wilson intervals for accuracy, bootstrap intervals over images for the change (Newcombe's where images are not paired); "
        "McNemar's exact test; an equivalence test with a margin of "
        f"±{100 * comparison.margin:g} points (small p: equal for practical purposes)."
        if comparison
        else ""
    )
    return Finding(
        key="accuracy",
        title="Accuracy on each variant",
        sentences=tuple(map(str, first[1:])),
        tables=(Table(tuple(columns), tuple(map(tuple, rows)), caption + " The model is that of the first seed."),),
        figures=(
            Figure(
                "accuracy",
                {
                    "names": [e.name for e in first],
                    "estimate": [e.accuracy.estimate for e in first],
                    "low": [e.accuracy.low for e in first],
                    "high": [e.accuracy.high for e in first],
                    "seeds": seeds,
                    "chance": 1 / classes,
                },
                "Accuracy of the first seed's model with its 95% interval"
                + (", and that of every seed (orange)" if len(evaluations) > 1 else "")
                + ". Dotted: clean; dashed: chance.",
            ),
        ),
        numbers={"evaluations": [[e.to_json() for e in member] for member in evaluations]},
    )


def variants_finding(variants: Variants) -> Finding:
    """What the variants are and look like."""
    rows = tuple(
        (
            found.name,
            origin,
            f"{len(found):,}",
            f"{found.images.min():.2f} … {found.images.max():.2f}",
            f"{found.images.mean():.3f}",
        )
        for found, origin in variants.sets
    )
    return Finding(
        key="variants",
        title="The variants",
        sentences=("Each variant is the clean test set after one shift; labels and order are those of the clean set.",)
        if not any(found.notes for found, _ in variants.sets)
        else ("The variants were read from a folder; what was found and assumed stands at the end of the report.",),
        tables=(
            Table(("set", "where it comes from", "images", "values", "mean"), rows, words=("where it comes from",)),
        ),
        figures=(
            Figure(
                "samples",
                {"file": SAMPLES, "names": [found.name for found, _ in variants.sets]},
                "The first image of each class in every set, drawn from black (0) to white (1).",
            ),
        ),
        numbers=variants.to_json(),
    )


def sample_images(variants: Variants, columns: int = 10) -> dict[str, np.ndarray]:
    """For each set, the first image of each of the first `columns` classes of the clean set; the arrays that `samples` draws."""
    return {found.name: found.images[_first_of_each_class(found, columns)] for found, _ in variants.sets}


def model_finding(members: Sequence[Trained], clean: Sequence[Evaluation]) -> Finding:
    """How the model was trained and how good it is."""
    trial = members[0].trial
    weights = sum(tensor.numel() for tensor in members[0].model.network.parameters())
    validation = [m.metrics[-1].validation_accuracy for m in members]
    known = [value for value in validation if value is not None]
    test = [evaluation.accuracy.estimate for evaluation in clean]
    recipe = trial.recipe
    said = (
        f"{trial.network}: {weights:,} parameters, trained for {recipe.epochs} epochs with {recipe.optimizer.upper()}, "
        f"batches of {recipe.batch_size}, learning rate {recipe.learning_rate:g} ({recipe.schedule.replace('_', ' ')}), "
        f"weight decay {recipe.weight_decay:g}."
    )
    sentences = [said]
    if known:
        sentences.append(
            f"Accuracy on {recipe.held_out:,} held-out training images is {mean_sd(known, 100)}% "
            f"over {len(members)} seed{'s' * (len(members) > 1)}; on the test set, read once, after training, {mean_sd(test, 100)}%."
        )
    rows = tuple(
        (
            str(m.trial.seed),
            f"{m.metrics[-1].loss:.4f}",
            "–" if m.metrics[-1].validation_accuracy is None else f"{100 * m.metrics[-1].validation_accuracy:.2f}%",
            f"{100 * e.accuracy.estimate:.2f}% [{100 * e.accuracy.low:.2f}, {100 * e.accuracy.high:.2f}]",
        )
        for m, e in zip(members, clean, strict=True)
    )
    took = [(str(m.trial.seed), total_seconds(m.metrics)) for m in members]
    seconds = tuple((seed, "not known" if taken is None else f"{taken:.0f}") for seed, taken in took)
    curves = [
        {
            "seed": m.trial.seed,
            "loss": [e.loss for e in m.metrics],
            "validation_loss": [e.validation_loss for e in m.metrics],
            "validation_accuracy": [e.validation_accuracy for e in m.metrics],
        }
        for m in members
    ]
    return Finding(
        key="model",
        title="The model",
        sentences=tuple(sentences),
        tables=(Table(("seed", "training loss", "validation", "test [95%]"), rows),),
        environment=(Table(("seed", "seconds of training"), seconds),),
        figures=(
            Figure(
                "curves",
                {"members": curves},
                "Training by epoch; the validation images are held-out training images.",
            ),
        ),
        numbers={"parameters": weights, "validation_accuracy": known, "test_accuracy": test},
    )


def classes_finding(first: Sequence[Evaluation]) -> Finding:
    """Which classes suffer, and what they are taken for."""
    return Finding(
        key="classes",
        title="Classes and confusions",
        sentences=tuple(_classes_sentence(evaluation) for evaluation in first),
        figures=(
            Figure(
                "recall",
                {"names": [e.name for e in first], "recall": [e.recall for e in first]},
                "Recall, % of each class.",
            ),
            Figure(
                "confusions",
                {"names": [e.name for e in first], "matrices": [e.confusion for e in first]},
                "Confusion matrices: rows are true classes, columns what they were taken for.",
            ),
        ),
    )


def confidence_finding(first: Sequence[Evaluation]) -> Finding:
    """Whether the model notices."""
    rows = tuple(
        (
            e.name,
            f"{100 * e.accuracy.estimate:.2f}%",
            f"{100 * e.mean_confidence:.2f}%",
            f"{100 * e.calibration_error:.2f}",
        )
        for e in first
    )
    return Finding(
        key="confidence",
        title="Does the model notice?",
        sentences=tuple(_confidence_sentence(evaluation) for evaluation in first),
        tables=(Table(("set", "accuracy", "mean confidence", "calibration error, points"), rows, "Expected calibration error over 15 equal bins."),),
        figures=(
            Figure(
                "confidence",
                {
                    "names": [e.name for e in first],
                    "accuracy": [e.accuracy.estimate for e in first],
                    "confidence": [e.mean_confidence for e in first],
                },
                "Mean confidence (diamond) against accuracy (dot): the longer the line, the less the model knows what it does not know.",
            ),
        ),
    )  # fmt: skip


def _row(evaluation: Evaluation) -> tuple[str, ...]:
    change = evaluation.comparison
    accuracy = f"{100 * evaluation.accuracy.estimate:.2f}% {brackets(evaluation.accuracy)}"
    if change is None:
        return evaluation.name, accuracy, "", "", "", "", "reference"
    counts = f"{change.gained:,} / {change.lost:,}" if change.paired else "not paired"
    tests = [p_cell(p) for p in (change.p_value, change.equivalence_p)]
    points = f"{minus(f'{100 * change.difference.estimate:+.2f}')} {brackets(change.difference)}"
    return evaluation.name, accuracy, points, counts, *tests, change.verdict


def _classes_sentence(evaluation: Evaluation) -> str:
    known = {label: recall for label, recall in enumerate(evaluation.recall) if recall is not None}
    worst, best = min(known, key=lambda k: known[k]), max(known, key=lambda k: known[k])
    said = f"{evaluation.name}: recall from {100 * known[worst]:.1f}% (class {worst}) to {100 * known[best]:.1f}% (class {best})."
    confusion = np.array(evaluation.confusion)
    taken = confusion.sum(axis=0) / confusion.sum()
    favourite = int(taken.argmax())
    actual = confusion[favourite].sum() / confusion.sum()
    if taken[favourite] > 2 * actual:
        said += f" {100 * taken[favourite]:.0f}% of all images are taken for class {favourite}, which {100 * actual:.0f}% of them are."
    return said


def _confidence_sentence(evaluation: Evaluation) -> str:
    gap = 100 * (evaluation.mean_confidence - evaluation.accuracy.estimate)
    how = "over-confident" if gap > 1 else "under-confident" if gap < -1 else "as sure as it is right"
    by = f" by {abs(gap):.1f} points" if abs(gap) > 1 else ""
    return f"{evaluation.name}: {how}{by}."


def _first_of_each_class(found: ImageSet, columns: int) -> list[int]:
    assert found.labels is not None
    _, first = np.unique(found.labels, return_index=True)
    return first[:columns].tolist()
