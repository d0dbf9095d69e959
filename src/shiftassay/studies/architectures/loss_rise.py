"""The largest rise of a network's loss between two epochs, taken apart.

For that, its member is trained again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float64
from pydantic import Field
from scipy.stats import rankdata
from torch.nn import functional as F

from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import predict
from shiftassay.records import Record
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import late_epochs, spatial_transformer, validation_losses
from shiftassay.studies.architectures.transformations import outside_share
from shiftassay.training.replay import replay
from shiftassay.training.train import Trained
from shiftassay.words.terminal import spoken

TRANSFORMER = ("localization.", "fc_loc.")  # where the names of a transformer's parameters begin
WATCHED = 1000  # test images whose transformations are recorded after every epoch
WORST = 0.01  # of the images: those whose loss rose most


@dataclass(frozen=True)
class OutsideShares(Record):
    """By epoch, the share of sampling points outside the image.

    The mean over images, and the 99th percentile.
    """

    mean: tuple[float, ...]
    one_in_a_hundred: Annotated[tuple[float, ...], Field(alias="one in a hundred")]


@dataclass(frozen=True)
class Rise(Record):
    """A member's largest rise of the mean test loss, from `before` to `after` epoch `epoch`.

    `identical`: trained again, it ended with the stored weights. `from_worst` is the share of all single rises that the
    1% of images make whose loss rose most. `loss` is by epoch.
    """

    seed: int
    epoch: int
    identical: bool
    before: float
    after: float
    from_worst: float
    loss: tuple[float, ...]


@dataclass(frozen=True)
class ControlRise(Rise):
    """The same for the control."""

    name: str

    @classmethod
    def named(cls, name: str, rise: Rise) -> "ControlRise":
        return cls(**{field.name: getattr(rise, field.name) for field in fields(Rise)}, name=name)


@dataclass(frozen=True)
class TransformerRise(Rise):
    """The same for a network with a transformer.

    `old_transformer` is the loss with the transformer as before the step and the rest as after it, `new_transformer`
    the reverse. `outside_worst` and `outside_others` are shares of sampling points outside the image, for the worst 1%
    of images and for the others. `correlation` is the rank correlation of changes of the loss and of that share (99th
    percentile) over the late epochs.
    """

    old_transformer: float
    new_transformer: float
    outside_worst: float
    outside_others: float
    correlation: float
    outside: OutsideShares

    def explained_by(self, loss: float) -> float | None:
        """The share of the rise that takes the loss to `loss`; None where the loss never rises."""
        rise = self.after - self.before
        return (loss - self.before) / rise if rise > 0 else None


def largest_rise(members: Sequence[Trained]) -> tuple[int, int]:
    """The member, and the epoch (from 1), at which the loss rose most within the late epochs."""
    rises = []
    for index, member in enumerate(members):
        loss = np.array(validation_losses(member))
        first = max(late_epochs(len(loss)).start, 1)
        late = np.diff(loss)[first - 1 :]
        rises.append((float(late.max()), index, first + int(late.argmax()) + 1))
    _, index, epoch = max(rises)
    return index, epoch


def analyze_rise(experiment: Experiment, network: str) -> Rise:
    """The largest rise of a network's loss, taken apart by training that member again.

    It is a `TransformerRise` where the network has a transformer.
    """
    members, images = experiment.members[network], experiment.dataset.test.images
    index, epoch = largest_rise(members)
    member = members[index]
    experiment.console.print(spoken(f"{network} seed {member.trial.seed}: training again to look at epoch {epoch}"))
    models: dict[int, Classifier] = {}
    outside: list[np.ndarray] = []
    has_transformer = spatial_transformer(member.model.network) is not None

    def watch(now: int, model: Classifier) -> None:
        if has_transformer:
            outside.append(outside_share(model, images[:WATCHED]))
        if now in (epoch - 1, epoch):
            models[now] = model

    identical = replay(member, experiment.dataset, watch)
    before, after = models[epoch - 1], models[epoch]
    losses_before, losses_after = _losses(before, experiment), _losses(after, experiment)
    rises = losses_after - losses_before
    worst = np.argsort(rises)[::-1][: max(1, round(WORST * len(rises)))]
    loss = validation_losses(member)
    rise = Rise(
        seed=member.trial.seed,
        epoch=epoch,
        identical=identical,
        before=float(losses_before.mean()),
        after=float(losses_after.mean()),
        from_worst=float(rises[worst].sum() / max(rises[rises > 0].sum(), 1e-12)),
        loss=tuple(loss),
    )
    if not has_transformer:
        return rise
    share = outside_share(after, images)
    others = np.ones(len(images), bool)
    others[worst] = False
    extreme = [float(np.quantile(shares, 1 - WORST)) for shares in outside]
    return TransformerRise(
        **vars(rise),
        old_transformer=float(_losses(_joined(before, after), experiment).mean()),
        new_transformer=float(_losses(_joined(after, before), experiment).mean()),
        outside_worst=float(share[worst].mean()),
        outside_others=float(share[others].mean()),
        correlation=_correlation_of_changes(np.array(loss), np.array(extreme)),
        outside=OutsideShares(tuple(float(shares.mean()) for shares in outside), tuple(extreme)),
    )


def _correlation_of_changes(loss: Float64[np.ndarray, "epochs"], share: Float64[np.ndarray, "epochs"]) -> float:
    """The rank correlation of two series' changes over the late epochs.

    It is 0 if these are few or one series never changes.
    """
    late = late_epochs(len(loss))
    ranks = [rankdata(np.diff(series[late])) for series in (loss, share)]
    if len(loss[late]) <= 3 or not all(rank.std() for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _joined(transformer: Classifier, rest: Classifier) -> Classifier:
    """A model with the transformer of one model and everything else of another."""
    weights = transformer.network.state_dict()
    own = {name: tensor for name, tensor in weights.items() if name.startswith(TRANSFORMER)}
    joined = Classifier.from_card(rest.card)
    joined.network.load_state_dict({**rest.network.state_dict(), **own})
    return joined.eval()


def _losses(model: Classifier, experiment: Experiment) -> Float64[np.ndarray, "n"]:
    """The loss on every test image."""
    logits = torch.from_numpy(predict(experiment.dataset.test.images, model=model)).double()
    return F.cross_entropy(logits, torch.from_numpy(experiment.labels), reduction="none").numpy()
