"""Where a jump of the loss comes from, for a network with a transformer: a member trained again and taken apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch.nn import functional as F

from shiftassay.networks.classifier import Classifier
from shiftassay.networks.predict import predict
from shiftassay.studies.architectures.lab import Lab, settled, validation_losses
from shiftassay.training.replay import replay
from shiftassay.training.train import Trained

TRANSFORMER = ("localization.", "fc_loc.")
WATCHED = 1000  # test images whose transformations are looked at after every epoch
WORST = 0.01


def largest_jump(members: Sequence[Trained]) -> tuple[int, int]:
    """The member, and the epoch (from 1), at which the loss rose most within the settled epochs."""
    rises = []
    for place, member in enumerate(members):
        loss = np.array(validation_losses(member))
        first = max(settled(len(loss)).start, 1)
        late = np.diff(loss)[first - 1 :]
        rises.append((float(late.max()), place, first + int(late.argmax()) + 1))
    _, place, epoch = max(rises)
    return place, epoch


def look_into(lab: Lab, name: str, members: Sequence[Trained]) -> dict[str, Any]:
    """Train the member with the largest rise again and take that rise apart."""
    place, epoch = largest_jump(members)
    member, images = members[place], lab.dataset.test.images
    lab.console.print(f"{name} seed {member.trial.seed}: training again to look at epoch {epoch}")
    kept: dict[int, Classifier] = {}
    outside: list[np.ndarray] = []

    def watch(now: int, model: Classifier) -> None:
        outside.append(outside_share(model, images[:WATCHED]))
        if now in (epoch - 1, epoch):
            kept[now] = model

    identical = replay(member, lab.dataset, watch)
    before, after = kept[epoch - 1], kept[epoch]
    losses = {
        "before": _losses(before, lab),
        "after": _losses(after, lab),
        "old_transformer": _losses(_joined(before, after), lab),
        "new_transformer": _losses(_joined(after, before), lab),
    }
    rise = losses["after"] - losses["before"]
    worst = np.argsort(rise)[::-1][: max(1, round(WORST * len(rise)))]
    now_outside = outside_share(after, images)
    others = np.ones(len(rise), bool)
    others[worst] = False
    loss = np.array(validation_losses(member))
    late = settled(len(loss))
    extreme = [float(np.quantile(row, 1 - WORST)) for row in outside]
    together = (
        spearmanr(np.diff(loss[late]), np.diff(np.array(extreme)[late])).statistic if len(loss[late]) > 3 else 0.0
    )
    return {
        "seed": member.trial.seed,
        "epoch": epoch,
        "identical": identical,
        **{key: float(values.mean()) for key, values in losses.items()},
        "from_worst": float(rise[worst].sum() / rise.sum()) if rise.sum() > 0 else 0.0,
        "outside_worst": float(now_outside[worst].mean()),
        "outside_others": float(now_outside[others].mean()),
        "correlation": float(np.nan_to_num(together)),
        "loss": loss.tolist(),
        "outside": {"mean": [float(row.mean()) for row in outside], "one in a hundred": extreme},
    }


def outside_share(model: Classifier, images: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n"]:
    """For each image, the share of its sampling points that lie outside it."""
    with torch.inference_mode():
        theta = model.network.theta((torch.from_numpy(images) - model.card.mean) / model.card.sd)  # pyright: ignore[reportCallIssue]
        grid = F.affine_grid(theta, [len(images), 1, *images.shape[2:]], align_corners=False)
        return (grid.abs().amax(-1) > 1).float().mean((1, 2)).numpy().astype(np.float64)


def _joined(transformer: Classifier, rest: Classifier) -> Classifier:
    """A model with the transformer of one and everything else of another."""
    taken = {name: tensor for name, tensor in transformer.network.state_dict().items() if name.startswith(TRANSFORMER)}
    joined = Classifier.from_card(rest.card)
    joined.network.load_state_dict({**rest.network.state_dict(), **taken})
    return joined.eval()


def _losses(model: Classifier, lab: Lab) -> Float[np.ndarray, "n"]:
    logits = torch.from_numpy(predict(model, lab.dataset.test.images)).double()
    return F.cross_entropy(logits, torch.from_numpy(lab.labels), reduction="none").numpy()
