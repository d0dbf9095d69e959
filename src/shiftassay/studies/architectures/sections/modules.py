"""Finding 8: what the modules do: transformations, attention, coordinates, looked at and taken away."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import predict
from shiftassay.networks.attention import PositionAttention
from shiftassay.networks.coordconv import CoordConv2d, Coordinates
from shiftassay.networks.transformer import sampled
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.lab import Lab, Members, answers, attends, transforms
from shiftassay.training.train import Trained
from shiftassay.words.lists import listed
from shiftassay.words.numbers import mean_sd

KEY, TITLE, VERSION, PLACE = "modules", "What the modules do", 1, 100
SHOWN = 6


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    found: dict[str, Any] = {"removed": {}, "transformers": {}, "attention": {}, "coordinates": {}}
    arrays: dict[str, np.ndarray] = {}
    for name, group in members.items():
        network = group[0].model.network
        if removals := _removals(network):
            whole = [_accuracy(member, lab) for member in group]
            found["removed"][name] = {
                what: {
                    "parts": parts,
                    "without": [_accuracy_without(member, what, lab) for member in group],
                    "with": whole,
                }
                for what, parts in removals.items()
            }
        if transforms(network):
            found["transformers"][name] = [_transformations(member, lab) for member in group]
            arrays |= {f"{name}/{key}": value for key, value in _seen(group[0].model, lab).items()}
        if attends(network) and not getattr(network, "mixes_batch", False):
            arrays |= {f"{name}/{key}": value for key, value in _attended(group[0].model, lab).items()}
            found["attention"][name] = [_reach(member.model, lab) for member in group]
        layers = {key: part for key, part in network.named_modules() if isinstance(part, CoordConv2d)}
        if layers:
            found["coordinates"][name] = [_coordinate_weights(member.model.network) for member in group]
    found["arrays"] = lab.keep("modules.safetensors", arrays) if arrays else None
    return found


def finding(found: dict[str, Any]) -> Finding:
    figures = []
    for name in found["transformers"]:
        figures.append(
            Figure(
                "transformed",
                {"file": found["arrays"], "prefix": name},
                f"{name}, seed 0: test images, the frame from which the transformer samples, and what the classifier gets to see.",
            )
        )
        figures.append(
            Figure(
                "histograms",
                {"values": found["transformers"][name][0]["draws"]},
                f"{name}, seed 0: the transformations of the test images. Positive angles turn what is seen counter-clockwise; a "
                "magnification above 1 enlarges it; shifts are of what is seen, in pixels, to the right and down.",
            )
        )
    figures += [
        Figure(
            "attention_maps",
            {"file": found["arrays"], "prefix": name},
            f"{name}, seed 0: where the first attention layer looks from the marked position (mean of its heads), on the first test images.",
        )
        for name in found["attention"]
    ]
    tables = [_removed(found["removed"])] if found["removed"] else []
    if found["coordinates"]:
        tables.append(_coordinates(found["coordinates"]))
    return Finding(
        KEY,
        TITLE,
        tuple(_sentences(found)),
        tuple(tables),
        tuple(figures),
        published(found),
    )


def published(found: dict[str, Any]) -> dict[str, Any]:
    """What is kept as data: without the thousands of single draws that only a figure needs."""
    transformers = {
        name: [{key: value for key, value in seed.items() if key != "draws"} for seed in seeds]
        for name, seeds in found["transformers"].items()
    }
    return {**found, "transformers": transformers}


def _removals(network: nn.Module) -> dict[str, str]:
    """What can be taken away from a trained network, and what is put in its place."""
    found = {}
    if transforms(network):
        found["transformer"] = "the identity"
        found["transformer's aim"] = "its mean transformation, the same for every image"
    if attends(network):
        found["attention"] = "the residual alone"
    if any(isinstance(part, Coordinates) for part in network.modules()):
        found["coordinates"] = "zeros"
    return found


def _accuracy_without(member: Trained, what: str, lab: Lab) -> float:
    with _without(member.model, what, lab):
        return _accuracy(member, lab)


def _accuracy(member: Trained, lab: Lab) -> float:
    return float((answers(member, lab.dataset.test.images) == lab.labels).mean())


@contextmanager
def _without(model: Classifier, what: str, lab: Lab) -> Iterator[None]:
    """Within this context a part of the network does nothing."""
    with ExitStack() as stack:
        network = model.network
        if what.startswith("transformer"):
            fixed = torch.eye(2, 3) if what == "transformer" else _thetas(model, lab).mean(0)
            fixed_theta: Callable[[Tensor], Tensor] = lambda images: fixed.expand(len(images), 2, 3)  # noqa: E731
            stack.enter_context(patch.object(network, "theta", fixed_theta))
        for part in network.modules():
            if what == "attention" and isinstance(part, PositionAttention):
                stack.enter_context(patch.object(part, "forward", lambda x: x))
            if what == "coordinates" and isinstance(part, Coordinates):
                stack.enter_context(patch.object(part, "forward", _blank(part)))
        yield


def _blank(part: Coordinates) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cat([x, x.new_zeros(len(x), 2 + part.radius, *x.shape[2:])], dim=1)


def _thetas(model: Classifier, lab: Lab) -> Tensor:
    images = torch.from_numpy(lab.dataset.test.images)
    with torch.inference_mode():
        return torch.cat([model.network.theta((part - model.card.mean) / model.card.sd) for part in images.split(1000)])  # pyright: ignore[reportCallIssue]


def _transformations(member: Trained, lab: Lab) -> dict[str, Any]:
    """θ of every test image in words: how what is seen is turned, magnified and moved."""
    theta = _thetas(member.model, lab).double().numpy()
    _, height, width = lab.dataset.train.shape
    back = np.linalg.inv(theta[:, :, :2])
    moved = -np.einsum("nij,nj->ni", back, theta[:, :, 2])
    draws = {
        "angle, degrees": np.degrees(np.arctan2(theta[:, 1, 0] - theta[:, 0, 1], theta[:, 0, 0] + theta[:, 1, 1])),
        "magnification": 1 / np.sqrt(np.abs(np.linalg.det(theta[:, :, :2]))),
        "to the right, px": moved[:, 0] * width / 2,
        "down, px": moved[:, 1] * height / 2,
    }
    return {
        "seed": member.trial.seed,
        "mean": {key: float(values.mean()) for key, values in draws.items()},
        "sd": {key: float(values.std()) for key, values in draws.items()},
        "draws": {key: np.round(values, 4).tolist() for key, values in draws.items()},
    }


def _seen(model: Classifier, lab: Lab) -> dict[str, np.ndarray]:
    images = torch.from_numpy(lab.dataset.test.images[:SHOWN])
    theta = _thetas(model, lab)[:SHOWN]
    return {"input": images.numpy(), "theta": theta.numpy(), "seen": sampled(images, theta).numpy()}


def _weights(model: Classifier, images: np.ndarray) -> tuple[Tensor, tuple[int, int]]:
    """The first layer's attention, (image, from, to), mean over its heads, and the height and width of its positions."""
    caught: list[Tensor] = []
    layer = next(part for part in model.network.modules() if isinstance(part, PositionAttention))
    hook = layer.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    try:
        predict(images, model=model, batch=len(images))
    finally:
        hook.remove()
    with torch.inference_mode():
        tokens = caught[0].flatten(2).transpose(1, 2)
        tokens = tokens if layer.positions is None else tokens + layer.positions
        _, weights = layer.attention(layer.query(tokens), layer.key(tokens), layer.value(tokens), need_weights=True)
    return weights, (caught[0].shape[2], caught[0].shape[3])


def _attended(model: Classifier, lab: Lab) -> dict[str, np.ndarray]:
    images = lab.dataset.test.images[:SHOWN]
    weights, (rows, columns) = _weights(model, images)
    places = [(rows // 2, columns // 2), (rows // 4, columns // 4), (rows - 2, columns // 2)]
    maps = np.stack([weights[:, y * columns + x].numpy().reshape(-1, rows, columns) for y, x in places], axis=1)
    return {"input": images, "maps": maps, "places": np.array(places)}


def _reach(model: Classifier, lab: Lab, images: int = 200) -> dict[str, int | float]:
    """How many positions a query spreads over (the exponential of its entropy), and how much goes to the position itself."""
    weights, _ = _weights(model, lab.dataset.test.images[:images])
    entropy = -(weights * weights.clamp_min(1e-12).log()).sum(-1)
    own = weights.diagonal(dim1=1, dim2=2)
    return {"positions": weights.shape[-1], "effective": float(entropy.exp().mean()), "own": float(own.mean())}


def _coordinate_weights(network: nn.Module) -> dict[str, dict[str, float]]:
    """The size of the weights on the coordinates beside that on the other channels, root mean square, layer by layer."""
    found = {}
    for key, part in network.named_modules():
        if isinstance(part, CoordConv2d):
            weight, more = part.conv.weight.detach(), 2 + part.coordinates.radius
            channels = weight.square().mean((0, 2, 3)).sqrt()
            found[key] = {
                "others": float(channels[:-more].square().mean().sqrt()),
                **dict(zip(("x", "y", "radius"), channels[-more:].tolist(), strict=False)),
            }
    return found


def _removed(removed: dict[str, Any]) -> Table:
    rows = [
        (
            name,
            what,
            row["parts"],
            mean_sd(row["with"], 100, 2),
            mean_sd(row["without"], 100, 2),
            mean_sd([b - a for a, b in zip(row["with"], row["without"], strict=True)], 100, 2),
        )
        for name, parts in removed.items()
        for what, row in parts.items()
    ]
    return Table(
        ("network", "taken away", "in its place", "accuracy, %", "without, %", "change, points"),
        tuple(rows),
        "Trained networks, a part of which is replaced without training again; mean ± sd over seeds.",
        words=("taken away", "in its place"),
    )


def _coordinates(coordinates: dict[str, Any]) -> Table:
    rows, keys = [], []
    for name, seeds in coordinates.items():
        for layer in seeds[0]:
            found = [seed[layer] for seed in seeds]
            keys = list(found[0])
            rows.append((f"{name}: {layer}", *(mean_sd([row[key] for row in found], 1, 3) for key in keys)))
    return Table(
        ("layer", "other channels", *keys[1:]),
        tuple(rows),
        "Root mean square of a convolution's weights, on the coordinates and on its other input channels; mean ± sd over seeds.",
    )


def _sentences(found: dict[str, Any]) -> list[str]:
    if not found["removed"]:
        return ["No network here has a module to look into."]
    said = [_removal(name, parts) for name, parts in found["removed"].items()]
    for name, seeds in found["transformers"].items():
        mean = {key: [seed["mean"][key] for seed in seeds] for key in seeds[0]["mean"]}
        sd = {key: float(np.mean([seed["sd"][key] for seed in seeds])) for key in seeds[0]["sd"]}
        said.append(
            f"{name}: on the test images its transformer magnifies {mean_sd(mean['magnification'])} times and turns by "
            f"{mean_sd(mean['angle, degrees'], 1, 1)}° (mean over images, ± over seeds); from image to image it varies by "
            f"{sd['magnification']:.2f}, {sd['angle, degrees']:.1f}° and {sd['to the right, px']:.1f} px across, {sd['down, px']:.1f} px down."
        )
    for name, seeds in found["attention"].items():
        effective = mean_sd([seed["effective"] for seed in seeds], 1, 0)
        said.append(
            f"{name}: a position of the first layer spreads its attention over {effective} of {seeds[0]['positions']} positions; "
            f"{mean_sd([100 * seed['own'] for seed in seeds], 1, 1)}% goes to itself (an even spread would give {100 / seeds[0]['positions']:.1f}%)."
        )
    for name, seeds in found["coordinates"].items():
        shares = {layer: [seed[layer]["x"] / seed[layer]["others"] for seed in seeds] for layer in seeds[0]}
        said.append(
            f"{name}: weights on the coordinate x, in shares of those on the other channels: "
            + ", ".join(f"{layer} {mean_sd(values)}" for layer, values in shares.items())
            + ". At their random start they are alike, so 1 would say that training left them as they were."
        )
    return said


def _removal(name: str, parts: dict[str, Any]) -> str:
    """What each part is worth to a trained network."""
    costs = []
    for what, row in parts.items():
        change = np.subtract(row["without"], row["with"])
        points = mean_sd((-change).tolist(), 100, 2)
        hang = "nothing hangs" if np.abs(change).max() < 0.0005 else f"{points} points hang"
        costs.append(f"{hang} on its {what} ({row['parts']} in its place)")
    return f"{name}: {listed(costs)}."
