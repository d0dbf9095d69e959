"""Finding 3b: where a jump of the loss comes from, for a network with a transformer: trained again and taken apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch.nn import functional as F

from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import predict
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.lab import Lab, Members, settled, transforms, validation_losses
from shiftassay.training.replay import replay
from shiftassay.training.train import Trained
from shiftassay.words.lists import listed
from shiftassay.words.numbers import minus
from shiftassay.words.terminal import spoken

KEY, TITLE, VERSION, PLACE = "spikes", "Where do the jumps come from?", 1, 40
TRANSFORMER = ("localization.", "fc_loc.")
WATCHED = 1000  # test images whose transformations are looked at after every epoch
WORST = 0.01


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    transformed = [name for name, group in members.items() if transforms(group[0].model.network)]
    enough = len(next(iter(members.values()))[0].metrics) > 2
    control = lab.study.control
    if not enough or not transformed:
        return {"networks": {}, "control": None}
    return {
        "networks": {name: look_into(lab, name, members[name]) for name in transformed},
        "control": {"name": control, **look_into(lab, control, members[control])},
    }


def finding(found: dict[str, Any]) -> Finding:
    networks = found["networks"]
    if not networks:
        return Finding(KEY, TITLE, ("Too few epochs, or no network with a transformer, to look for jumps.",))
    figures = tuple(
        Figure(
            "spike",
            {"name": name, **{key: spike[key] for key in ("loss", "outside", "epoch")}},
            f"{name}, seed {spike['seed']}, trained again: the loss, and the share of sampling points that its transformer "
            "puts outside the image, for the average image and for the one in a hundred where it is largest.",
        )
        for name, spike in networks.items()
    )
    shares = {name: _share(spike, "new_transformer") for name, spike in networks.items()}
    said = [
        "Of the largest rise of the loss, the transformer's step alone makes "
        + listed(
            [f"{100 * share:.0f}% ({name})" for name, share in shares.items() if share is not None]
            or ["nothing: it never rises"]
        )
        + ".",
    ]
    said += [_spike_sentence(name, spike, found["control"]) for name, spike in networks.items()]
    everyone = {**networks, found["control"]["name"]: found["control"]}
    exact = [name for name, spike in everyone.items() if spike["identical"]]
    if exact:
        said.append(f"Trained again to look inside, {listed(exact)} ended with the very weights that were stored.")
    return Finding(KEY, TITLE, tuple(said), (_swaps(networks),), figures, found)


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
    lab.console.print(spoken(f"{name} seed {member.trial.seed}: training again to look at epoch {epoch}"))
    kept: dict[int, Classifier] = {}
    outside: list[np.ndarray] = []
    has_transformer = transforms(member.model.network)

    def watch(now: int, model: Classifier) -> None:
        if has_transformer:
            outside.append(outside_share(model, images[:WATCHED]))
        if now in (epoch - 1, epoch):
            kept[now] = model

    identical = replay(member, lab.dataset, watch)
    before, after = kept[epoch - 1], kept[epoch]
    losses = {"before": _losses(before, lab), "after": _losses(after, lab)}
    if has_transformer:
        losses["old_transformer"] = _losses(_joined(before, after), lab)
        losses["new_transformer"] = _losses(_joined(after, before), lab)
    rise = losses["after"] - losses["before"]
    worst = np.argsort(rise)[::-1][: max(1, round(WORST * len(rise)))]
    loss = validation_losses(member)
    found = {
        "seed": member.trial.seed,
        "epoch": epoch,
        "identical": identical,
        **{key: float(values.mean()) for key, values in losses.items()},
        "from_worst": float(rise[worst].sum() / max(rise[rise > 0].sum(), 1e-12)),
        "loss": loss,
    }
    return {**found, **_outside(after, images, worst, np.array(loss), outside)} if has_transformer else found


def _outside(
    model: Classifier, images: np.ndarray, worst: np.ndarray, loss: np.ndarray, by_epoch: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Where the transformer looks: on the images whose loss rose most and on the others, and epoch by epoch."""
    share = outside_share(model, images)
    others = np.ones(len(images), bool)
    others[worst] = False
    late, extreme = settled(len(loss)), [float(np.quantile(row, 1 - WORST)) for row in by_epoch]
    ranks = [rankdata(np.diff(series[late])) for series in (loss, np.array(extreme))]
    together = float(np.corrcoef(*ranks)[0, 1]) if len(loss[late]) > 3 and all(rank.std() for rank in ranks) else 0.0
    return {
        "outside_worst": float(share[worst].mean()),
        "outside_others": float(share[others].mean()),
        "correlation": together,
        "outside": {"mean": [float(row.mean()) for row in by_epoch], "one in a hundred": extreme},
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
    logits = torch.from_numpy(predict(lab.dataset.test.images, model=model)).double()
    return F.cross_entropy(logits, torch.from_numpy(lab.labels), reduction="none").numpy()


def _swaps(spikes: dict[str, Any]) -> Table:
    return Table(
        ("network", "epoch", "loss before", "loss after", "old transformer, new rest", "new transformer, old rest", "of what rose, from 1% of images"),
        tuple(
            (
                f"{name}, seed {spike['seed']}",
                str(spike["epoch"]),
                f"{spike['before']:.4f}",
                f"{spike['after']:.4f}",
                f"{spike['old_transformer']:.4f}",
                f"{spike['new_transformer']:.4f}",
                f"{100 * spike['from_worst']:.0f}%",
            )
            for name, spike in spikes.items()
        ),
        "The largest upward jump of the settled epochs, taken apart: the loss on the test set if only the transformer, or only the rest "
        "of the network, had made the step.",
    )  # fmt: skip


def _share(spike: dict[str, Any], part: str) -> float | None:
    """How much of a rise one part's step makes; None where the loss never rises."""
    rise = spike["after"] - spike["before"]
    return (spike[part] - spike["before"]) / rise if rise > 0 else None


def _spike_sentence(name: str, spike: dict[str, Any], control: dict[str, Any]) -> str:
    rest = _share(spike, "old_transformer")
    if rest is None:
        return f"{name}: the loss never rises in the settled epochs."
    return f"{name}: " + minus(
        f"{spike['before']:.3f} to {spike['after']:.3f} at epoch {spike['epoch']}, of which the rest of the network's step alone makes {100 * rest:.0f}%. "
        f"One image in a hundred carries {100 * spike['from_worst']:.0f}% of all that rose ({100 * control['from_worst']:.0f}% in the largest rise of "
        f"{control['name']}, {control['before']:.3f} to {control['after']:.3f}). On those images {100 * spike['outside_worst']:.0f}% of the sampling points "
        f"lie outside the image, on the others {100 * spike['outside_others']:.0f}%; over the settled epochs, changes of the loss and of that share, where "
        f"it is largest, have a rank correlation of {spike['correlation']:.2f}."
    )
