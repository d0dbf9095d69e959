"""Finding 3b: where a jump of the loss comes from in networks with a spatial transformer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.loss_rise import ControlRise, TransformerRise, analyze_rise
from shiftassay.studies.architectures.members import spatial_transformer
from shiftassay.words.lists import listed
from shiftassay.words.numbers import number, percent

KEY, TITLE, VERSION, PLACE = "spikes", "Where do the jumps come from?", 2, 40


@dataclass(frozen=True)
class Rises(Record):
    """The largest rise of every network with a transformer, and of the control.

    There is none if there were too few epochs. `images` is the size of the test set; None in results that do not say.
    """

    networks: Mapping[str, TransformerRise]
    control: ControlRise | None
    images: int | None = None


def measure(experiment: Experiment) -> Rises:
    members, control = experiment.members, experiment.study.control
    transformed = [name for name, group in members.items() if spatial_transformer(group[0].model.network)]
    if not transformed or len(next(iter(members.values()))[0].metrics) <= 2:
        return Rises({}, None)
    return Rises(
        networks={name: cast(TransformerRise, analyze_rise(experiment, name)) for name in transformed},
        control=ControlRise.named(control, analyze_rise(experiment, control)),
        images=len(experiment.labels),
    )


def findings(measured: Rises) -> list[Finding]:
    networks, control = measured.networks, measured.control
    if not networks or control is None:
        return [Finding(KEY, TITLE, ("Too few epochs, or no network with a transformer, to look for jumps.",))]
    figures = tuple(
        Figure(
            "spike",
            {"name": name, "loss": rise.loss, "outside": rise.outside.to_json(), "epoch": rise.epoch},
            f"{name}, seed {rise.seed}, trained again: the loss, and the share of sampling points that its transformer "
            "puts outside the image, for the average image and for the one in a hundred where it is largest.",
        )
        for name, rise in networks.items()
    )
    shares = {name: rise.explained_by(rise.new_transformer) for name, rise in networks.items()}
    explained = [f"{percent(share, 0)} ({name})" for name, share in shares.items() if share is not None]
    sentences = [
        f"The transformer's step alone explains {listed(explained)} of the largest rise of the loss."
        if explained
        else "The loss never rises in the last two thirds of the epochs."
    ]
    sentences += [_sentence(name, rise, control) for name, rise in networks.items()]
    identical = [name for name, rise in {**networks, control.name: control}.items() if rise.identical]
    if identical:
        sentences.append(
            f"Trained again for this measurement, {listed(identical)} ended with exactly the stored weights."
        )
    return [Finding(KEY, TITLE, tuple(sentences), (_table(measured),), figures, measured.to_json())]


def _table(measured: Rises) -> Table:
    rises = measured.networks
    on_images = f" of {measured.images:,} images" if measured.images else ""
    rows = tuple(
        (
            f"{name}, seed {rise.seed}",
            str(rise.epoch),
            number(rise.before, 4),
            number(rise.after, 4),
            number(rise.old_transformer, 4),
            number(rise.new_transformer, 4),
            percent(rise.from_worst, 0),
        )
        for name, rise in rises.items()
    )
    columns = (
        "network",
        "epoch",
        "loss before",
        "loss after",
        "old transformer, new rest",
        "new transformer, old rest",
        "of what rose, from 1% of images",
    )
    return Table(
        columns,
        rows,
        "The largest rise of the loss from one epoch to the next within the last two thirds of the epochs, taken "
        f"apart: the loss on the test set{on_images} if only the transformer, or only the rest of the network, had "
        "made "
        "the step. One training of each network: the seed with the largest rise.",
    )


def _sentence(name: str, rise: TransformerRise, control: ControlRise) -> str:
    rest = rise.explained_by(rise.old_transformer)
    if rest is None:
        return f"{name}: the loss never rises in the last two thirds of the epochs."
    return (
        f"{name}: the loss rises from {number(rise.before, 3)} to {number(rise.after, 3)} at epoch {rise.epoch}. The "
        f"step of the rest of the network alone explains {percent(rest, 0)}. The worst image in a hundred accounts for "
        f"{percent(rise.from_worst, 0)} of the rise ({percent(control.from_worst, 0)} in the largest rise of "
        f"{control.name}, from {number(control.before, 3)} to {number(control.after, 3)}). On those images "
        f"{percent(rise.outside_worst, 0)} of the sampling points lie outside the image, on the others "
        f"{percent(rise.outside_others, 0)}. Over the last two thirds of the epochs, changes of the loss and of that "
        f"share, where it is largest, have a rank correlation of {number(rise.correlation, 2)}."
    )
