"""Finding 8: what the modules do, measured, and what is lost without them.

The modules are transformations, attention and coordinates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from torch import nn

from shiftassay.networks.coordconv import CoordConv2d
from shiftassay.records import JsonObject, Record, plain
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.architectures.attention_weights import (
    AttentionSpread,
    attends_within_images,
    attention_maps,
    attention_spread,
)
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import predicted_classes, spatial_transformer
from shiftassay.studies.architectures.removal import removable_modules, without
from shiftassay.studies.architectures.transformations import Transformations, sampled_images, transformations
from shiftassay.training.train import Trained
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number

KEY, TITLE, VERSION, PLACE = "modules", "What the modules do", 2, 100
SAMPLES = 6
IMAGES = 200  # whose attention is measured


@dataclass(frozen=True)
class Removal(Record):
    """Accuracy by seed of trained networks with a module, and without it.

    The module is replaced, and the network is not trained again.
    """

    replacement: Annotated[str, Field(alias="parts")]
    without: tuple[float, ...]
    intact: Annotated[tuple[float, ...], Field(alias="with")]

    @property
    def changes(self) -> list[float]:
        return np.subtract(self.without, self.intact).tolist()


@dataclass(frozen=True)
class CoordinateWeights(Record):
    """Root mean squares of a layer's weights on its coordinates and on its other channels.

    `others` are the ordinary input channels.
    """

    others: float
    x: float
    y: float
    radius: float | None = None


@dataclass(frozen=True)
class Modules(Record):
    """By network, what its modules do, and its accuracy without them.

    What transformers and attention do, and the weights of each CoordConv layer, are by seed. `arrays` is the file of
    what the figures show; None where there is nothing to show. `images` is the size of the test set; None in results
    that do not say.
    """

    removed: Mapping[str, Mapping[str, Removal]]
    transformers: Mapping[str, tuple[Transformations, ...]]
    attention: Mapping[str, tuple[AttentionSpread, ...]]
    coordinates: Mapping[str, tuple[Mapping[str, CoordinateWeights], ...]]
    arrays: str | None
    images: int | None = None


def measure(experiment: Experiment) -> Modules:
    images = experiment.dataset.test.images
    removed, transformers, attention, coordinates = {}, {}, {}, {}
    arrays: dict[str, np.ndarray] = {}
    for name, group in experiment.members.items():
        first = group[0].model
        if removable := removable_modules(first.network):
            intact = tuple(_accuracy(member, experiment) for member in group)
            removed[name] = {
                module: Removal(replacement, _accuracies_without(module, group, experiment), intact)
                for module, replacement in removable.items()
            }
        if spatial_transformer(first.network):
            transformers[name] = tuple(transformations(member, images) for member in group)
            arrays |= {f"{name}/{key}": array for key, array in sampled_images(first, images, SAMPLES).items()}
        if attends_within_images(first.network):
            arrays |= {f"{name}/{key}": array for key, array in attention_maps(first, images[:SAMPLES]).items()}
            attention[name] = tuple(attention_spread(member.model, images[:IMAGES]) for member in group)
        if any(isinstance(layer, CoordConv2d) for layer in first.network.modules()):
            coordinates[name] = tuple(coordinate_weights(member.model.network) for member in group)
    file = experiment.measurements.keep("modules.safetensors", arrays) if arrays else None
    return Modules(removed, transformers, attention, coordinates, file, len(images))


def findings(measured: Modules) -> list[Finding]:
    figures = [figure for name in measured.transformers for figure in _transformer_figures(name, measured)]
    figures += [
        Figure(
            "attention_maps",
            {"file": measured.arrays, "prefix": name},
            f"{name}, seed 0: where the first attention layer looks from the marked position (mean of its heads), on "
            "the first test images.",
        )
        for name in measured.attention
    ]
    tables = [_removals(measured)] if measured.removed else []
    tables += [_coordinates(measured.coordinates)] if measured.coordinates else []
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), tuple(tables), tuple(figures), published(measured))]


def published(measured: Modules) -> JsonObject:
    """All but the numbers of every single image, which only a figure needs."""
    transformers = {name: [seed.published() for seed in seeds] for name, seeds in measured.transformers.items()}
    return {**measured.to_json(), "transformers": plain(transformers)}


def coordinate_weights(network: nn.Module) -> dict[str, CoordinateWeights]:
    """The size of the weights in each CoordConv layer of a network."""
    layers = {}
    for key, layer in network.named_modules():
        if isinstance(layer, CoordConv2d):
            weight, added = layer.conv.weight.detach(), 2 + layer.coordinates.radius
            channels = weight.square().mean((0, 2, 3)).sqrt()
            layers[key] = CoordinateWeights(
                float(channels[:-added].square().mean().sqrt()), *channels[-added:].tolist()
            )
    return layers


def _accuracies_without(module: str, group: Sequence[Trained], experiment: Experiment) -> tuple[float, ...]:
    accuracies = []
    for member in group:
        with without(member.model, module, experiment.dataset.test.images):
            accuracies.append(_accuracy(member, experiment))
    return tuple(accuracies)


def _accuracy(member: Trained, experiment: Experiment) -> float:
    return float((predicted_classes(member, experiment.dataset.test.images) == experiment.labels).mean())


def _transformer_figures(name: str, measured: Modules) -> list[Figure]:
    sampled = Figure(
        "transformed",
        {"file": measured.arrays, "prefix": name},
        f"{name}, seed 0: test images, the frame from which the transformer samples, and what the classifier gets to "
        "see.",
    )
    draws = measured.transformers[name][0].draws
    histograms = Figure(
        "histograms",
        {"values": dict(draws)},
        f"{name}, seed 0: the transformations of the test images. Positive angles turn what is seen counter-clockwise; "
        "a "
        "magnification above 1 enlarges it; shifts are of what is seen, in pixels, to the right and down.",
    )
    return [sampled, histograms] if draws else [sampled]


def _removals(measured: Modules) -> Table:
    removed = measured.removed
    rows = tuple(
        (
            name,
            module,
            removal.replacement,
            mean_sd(removal.intact, 100, 2),
            mean_sd(removal.without, 100, 2),
            f"{mean_sd(removal.changes, 100, 2)} {brackets(mean_over_seeds(removal.changes))}",
        )
        for name, removals in removed.items()
        for module, removal in removals.items()
    )
    seeds = len(next(iter(next(iter(removed.values())).values())).intact)
    on_images = f", on {measured.images:,} test images" if measured.images else ""
    return Table(
        ("network", "removed", "in its place", "accuracy, %", "without, %", "change, points [95%]"),
        rows,
        f"Trained networks, a part of which is replaced without training again{on_images}; mean ± sd over "
        f"{plural(seeds, 'seed')}, and the mean change's 95% interval over them.",
        words=("removed", "in its place"),
    )


def _coordinates(coordinates: Mapping[str, Sequence[Mapping[str, CoordinateWeights]]]) -> Table:
    rows = []
    for name, seeds in coordinates.items():
        for layer in seeds[0]:
            weights = [seed[layer] for seed in seeds]
            radii = [weight.radius for weight in weights if weight.radius is not None]
            rows.append(
                (
                    f"{name}: {layer}",
                    mean_sd([weight.others for weight in weights], 1, 3),
                    mean_sd([weight.x for weight in weights], 1, 3),
                    mean_sd([weight.y for weight in weights], 1, 3),
                    mean_sd(radii, 1, 3) if radii else DASH,
                )
            )
    columns = ("layer", "other channels", "x", "y", "radius")
    if all(row[-1] == DASH for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(
        columns,
        tuple(rows),
        "Root mean square of a convolution's weights, on the coordinates and on its other input channels; mean ± sd "
        "over "
        f"{plural(len(next(iter(coordinates.values()))), 'seed')}.",
    )


def _sentences(measured: Modules) -> list[str]:
    if not measured.removed:
        return ["No network here has a transformer, attention or coordinates."]
    sentences = [_removal_sentence(name, removals) for name, removals in measured.removed.items()]
    sentences += [_transformer_sentence(name, seeds) for name, seeds in measured.transformers.items()]
    sentences += [_attention_sentence(name, seeds) for name, seeds in measured.attention.items()]
    sentences += [_coordinates_sentence(name, seeds) for name, seeds in measured.coordinates.items()]
    return sentences


def _removal_sentence(name: str, removals: Mapping[str, Removal]) -> str:
    """What each module is worth to a trained network."""
    costs = []
    for module, removal in removals.items():
        points = mean_sd([-change for change in removal.changes], 100, 2)
        cost = "nothing" if max(map(abs, removal.changes)) < 0.0005 else f"{points} points"
        costs.append(f"{cost} without its {module} ({removal.replacement} in its place)")
    return f"{name} loses {listed(costs)}."


def _transformer_sentence(name: str, seeds: Sequence[Transformations]) -> str:
    magnification = mean_sd([seed.mean["magnification"] for seed in seeds])
    angle = mean_sd([seed.mean["angle, degrees"] for seed in seeds], 1, 1)
    sd = {key: float(np.mean([seed.sd[key] for seed in seeds])) for key in seeds[0].sd}
    return (
        f"{name}: on the test images its transformer magnifies {magnification} times and turns by {angle}° (mean over "
        "images, "
        f"± over seeds); from image to image it varies by {number(sd['magnification'], 2)}, "
        f"{number(sd['angle, degrees'], 1)}° and "
        f"{number(sd['to the right, px'], 1)} px across, {number(sd['down, px'], 1)} px down."
    )


def _attention_sentence(name: str, seeds: Sequence[AttentionSpread]) -> str:
    positions = seeds[0].positions
    return (
        f"{name}: a position of the first layer spreads its attention over "
        f"{mean_sd([seed.effective for seed in seeds], 1, 0)} of "
        f"{positions} positions; {mean_sd([seed.own for seed in seeds], 100, 1)}% goes to itself (an even spread would "
        "give "
        f"{number(100 / positions, 1)}%)."
    )


def _coordinates_sentence(name: str, seeds: Sequence[Mapping[str, CoordinateWeights]]) -> str:
    ratios = {layer: [seed[layer].x / seed[layer].others for seed in seeds] for layer in seeds[0]}
    by_layer = ", ".join(f"{layer} {mean_sd(values)}" for layer, values in ratios.items())
    return (
        f"{name}: weights on the coordinate x, relative to those on the other channels: {by_layer}. "
        "At the random start this ratio is about 1."
    )
