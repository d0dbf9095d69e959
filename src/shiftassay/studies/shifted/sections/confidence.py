"""Whether the model notices: its confidence beside its accuracy."""

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.sections.accuracy import EvaluatedMembers
from shiftassay.words.numbers import percent, points

KEY, TITLE, VERSION, PLACE = "confidence", "Does the model notice?", 1, 90


def measure(context: StudyContext) -> EvaluatedMembers:
    return EvaluatedMembers((tuple(context.evaluations[0]),), context.dataset.classes)


def findings(measured: EvaluatedMembers) -> list[Finding]:
    evaluations = measured.evaluations[0]
    table = Table(
        ("set", "images", "accuracy", "mean confidence", "calibration error, points"),
        tuple(
            (
                evaluation.name,
                f"{evaluation.n:,}",
                percent(evaluation.accuracy.estimate, 2),
                percent(evaluation.mean_confidence, 2),
                points(evaluation.calibration_error),
            )
            for evaluation in evaluations
        ),
        "The first seed's model. Expected calibration error over 15 equal bins.",
    )
    figure = Figure(
        "confidence",
        {
            "names": [evaluation.name for evaluation in evaluations],
            "accuracy": [evaluation.accuracy.estimate for evaluation in evaluations],
            "confidence": [evaluation.mean_confidence for evaluation in evaluations],
        },
        "Mean confidence (diamond) against accuracy (dot): the longer the line, the less the model knows what it does "
        "not know.",
    )
    return [Finding(KEY, TITLE, tuple(map(_sentence, evaluations)), (table,), (figure,))]


def _sentence(evaluation: Evaluation) -> str:
    gap = evaluation.mean_confidence - evaluation.accuracy.estimate
    if abs(gap) <= 0.01:
        return f"{evaluation.name}: as sure as it is right."
    return f"{evaluation.name}: {'over' if gap > 0 else 'under'}-confident by {points(abs(gap), 1)} points."
