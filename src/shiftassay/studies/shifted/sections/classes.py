"""Which classes suffer, and what they are taken for."""

import numpy as np

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.report.finding import Figure, Finding
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.sections.accuracy import EvaluatedMembers
from shiftassay.words.numbers import percent

KEY, TITLE, VERSION, PLACE = "classes", "Classes and confusions", 1, 80
FAVORITE = 2  # times as many images are taken for a class as are of it


def measure(context: StudyContext) -> EvaluatedMembers:
    return EvaluatedMembers((tuple(context.evaluations[0]),), context.dataset.classes)


def findings(measured: EvaluatedMembers) -> list[Finding]:
    evaluations = measured.evaluations[0]
    names = [evaluation.name for evaluation in evaluations]
    recall = Figure(
        "recall",
        {"names": names, "recall": [evaluation.recall for evaluation in evaluations]},
        "Recall, % of each class, by the first seed's model.",
    )
    confusions = Figure(
        "confusions",
        {"names": names, "matrices": [evaluation.confusion for evaluation in evaluations]},
        "Confusion matrices: rows are true classes, columns what they were taken for.",
    )
    return [Finding(KEY, TITLE, tuple(map(_sentence, evaluations)), figures=(recall, confusions))]


def _sentence(evaluation: Evaluation) -> str:
    recall = {label: value for label, value in enumerate(evaluation.recall) if value is not None}
    worst, best = min(recall, key=lambda label: recall[label]), max(recall, key=lambda label: recall[label])
    sentence = (
        f"{evaluation.name}, {evaluation.n:,} images: recall from {percent(recall[worst], 1)} (class {worst}) to "
        f"{percent(recall[best], 1)} (class {best})."
    )
    confusion = np.array(evaluation.confusion)
    taken = confusion.sum(axis=0) / confusion.sum()
    favorite = int(taken.argmax())
    actual = confusion[favorite].sum() / confusion.sum()
    if taken[favorite] > FAVORITE * actual:
        sentence += (
            f" {percent(float(taken[favorite]), 0)} of all images are taken for class {favorite}, which "
            f"{percent(float(actual), 0)} of them are."
        )
    return sentence
