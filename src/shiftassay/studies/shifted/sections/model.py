"""How the model was trained and how good it is."""

from dataclasses import dataclass

from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.results import total_seconds
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.words.lists import plural
from shiftassay.words.numbers import DASH, mean_sd, number, percent, percent_with_interval

KEY, TITLE, VERSION, PLACE = "model", "The model", 1, 70


@dataclass(frozen=True)
class TrainedMember(Record):
    """One seed's training.

    Losses and validation accuracy are by epoch; `clean` and seconds are there where known.
    """

    seed: int
    loss: tuple[float, ...]
    validation_loss: tuple[float | None, ...]
    validation_accuracy: tuple[float | None, ...]
    accuracy: Interval
    seconds: float | None


@dataclass(frozen=True)
class TrainedModel(Record):
    """The network, its recipe, and the training of every seed."""

    network: str
    parameters: int
    recipe: Recipe
    members: tuple[TrainedMember, ...]
    test_images: int = 0


def measure(context: StudyContext) -> TrainedModel:
    first = context.members[0]
    return TrainedModel(
        network=first.trial.network,
        parameters=sum(weights.numel() for weights in first.model.network.parameters()),
        recipe=first.trial.recipe,
        members=tuple(
            TrainedMember(
                seed=member.trial.seed,
                loss=tuple(epoch.loss for epoch in member.metrics),
                validation_loss=tuple(epoch.validation_loss for epoch in member.metrics),
                validation_accuracy=tuple(epoch.validation_accuracy for epoch in member.metrics),
                accuracy=evaluations[0].accuracy,
                seconds=total_seconds(member.metrics),
            )
            for member, evaluations in zip(context.members, context.evaluations, strict=True)
        ),
        test_images=context.evaluations[0][0].n,
    )


def findings(measured: TrainedModel) -> list[Finding]:
    members = measured.members
    last = [member.validation_accuracy[-1] for member in members]
    validation = [accuracy for accuracy in last if accuracy is not None]
    test = [member.accuracy.estimate for member in members]
    rows = tuple(
        (
            str(member.seed),
            number(member.loss[-1], 4),
            DASH if accuracy is None else percent(accuracy, 2),
            percent_with_interval(member.accuracy),
        )
        for member, accuracy in zip(members, last, strict=True)
    )
    seconds = tuple(
        (str(member.seed), "not known" if member.seconds is None else f"{member.seconds:.0f}") for member in members
    )
    curves = [
        {
            "seed": member.seed,
            "loss": list(member.loss),
            "validation_loss": list(member.validation_loss),
            "validation_accuracy": list(member.validation_accuracy),
        }
        for member in members
    ]
    return [
        Finding(
            KEY,
            TITLE,
            (_training(measured), *_accuracies(measured, validation, test)),
            (Table(("seed", "training loss", "validation", "test [95%]"), rows, _numbers_of_images(measured)),),
            (
                Figure(
                    "curves",
                    {"members": curves},
                    "Training by epoch; the validation images are held-out training images.",
                ),
            ),
            {"parameters": measured.parameters, "validation_accuracy": validation, "test_accuracy": test},
            environment=(Table(("seed", "seconds of training"), seconds),),
        )
    ]


def _numbers_of_images(measured: TrainedModel) -> str:
    return f"{measured.recipe.held_out:,} held-out training images, {measured.test_images:,} test images."


def _training(measured: TrainedModel) -> str:
    recipe = measured.recipe
    return (
        f"{measured.network}: {measured.parameters:,} parameters, trained for {recipe.epochs} epochs with "
        f"{recipe.optimizer.upper()}, batches of {recipe.batch_size}, learning rate {recipe.learning_rate:g} "
        f"({recipe.schedule.replace('_', ' ')}), weight decay {recipe.weight_decay:g}."
    )


def _accuracies(measured: TrainedModel, validation: list[float], test: list[float]) -> list[str]:
    if not validation:
        return []
    return [
        f"Accuracy on {measured.recipe.held_out:,} held-out training images is {mean_sd(validation, 100)}% over "
        f"{plural(len(measured.members), 'seed')}; on the test set, read once, after training, {mean_sd(test, 100)}%."
    ]
