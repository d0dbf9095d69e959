"""The modules that networks differ in, as factors of one model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from torch import nn

from shiftassay.networks.coordconv import Coordinates
from shiftassay.networks.registry import build
from shiftassay.records import Record
from shiftassay.report.finding import Table
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.factor_effects import factor_effects
from shiftassay.statistics.seeds import Values, within
from shiftassay.studies.architectures.members import Members, has_attention, spatial_transformer
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import p_cell, p_value

TRANSFORMER, COORDINATES, ATTENTION = "a transformer", "CoordConv", "attention"

ModulesByNetwork = Mapping[str, tuple[str, ...]]
"""Which of the modules each network has."""

ValuesBySeed = Mapping[str, Values]
"""By network a number of each seed; all networks have the same seeds in the same order."""


@dataclass(frozen=True)
class ModuleEffect(Record):
    """Networks that have a module minus networks that lack it, all else alike.

    `p` is the larger of `p_seeds` and `p_networks`, or above both: an effect must stand out from its variation over
    seeds and from that of networks. `p_corrected` is it after Holm's correction for all modules.
    """

    module: str
    estimate: float
    interval: tuple[float, float]
    p_seeds: float
    p_networks: float
    p: float
    p_corrected: float
    networks: int
    seeds: int

    @property
    def is_significant(self) -> bool:
        return self.p_corrected < 0.05


def modules_of(network: nn.Module) -> tuple[str, ...]:
    """The modules that a network has."""
    has = {
        TRANSFORMER: spatial_transformer(network) is not None,
        COORDINATES: any(isinstance(layer, Coordinates) for layer in network.modules()),
        ATTENTION: has_attention(network),
    }
    return tuple(module for module, present in has.items() if present)


def modules_of_members(members: Members) -> dict[str, tuple[str, ...]]:
    return {name: modules_of(group[0].model.network) for name, group in members.items()}


def modules_of_registered(networks: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The modules of networks by name, for results that do not say."""
    return {name: modules_of(build(name, (1, 28, 28), 10, {})) for name in networks}


def module_effects(
    values: ValuesBySeed, modules: ModulesByNetwork, resolution: float = 0.0, largest: float = inf
) -> tuple[ModuleEffect, ...]:
    """The effect of each module that these networks allow to estimate, tested and corrected.

    There are none for a single seed, or where each network has modules that no other resembles. `largest` is the
    largest size that an effect can have: 1 for shares.
    """
    measured = np.array([values[name] for name in modules], float)
    factors = {module: [module in has for has in modules.values()] for module in (TRANSFORMER, COORDINATES, ATTENTION)}
    effects = []
    for module, effect in factor_effects(measured, factors, resolution).items():
        interval = within(effect.interval(), -largest, largest)
        effects.append(
            ModuleEffect(
                module=module,
                estimate=effect.estimate,
                interval=(interval.low, interval.high),
                p_seeds=effect.seeds.p_value,
                p_networks=effect.networks.p_value,
                p=effect.p_value,
                p_corrected=effect.p_value,
                networks=len(measured),
                seeds=measured.shape[1],
            )
        )
    corrected = holm([effect.p for effect in effects])
    return tuple(replace(effect, p_corrected=p) for effect, p in zip(effects, corrected, strict=True))


def effects_by_quantity(
    values: Mapping[str, ValuesBySeed], modules: ModulesByNetwork, resolution: float = 0.0, largest: float = inf
) -> dict[str, tuple[ModuleEffect, ...]]:
    """The effects on each quantity for which these networks and seeds allow to estimate any."""
    effects = {key: module_effects(by_seed, modules, resolution, largest) for key, by_seed in values.items()}
    return {key: of_quantity for key, of_quantity in effects.items() if of_quantity}


def effects_table(
    effects: Mapping[str, Sequence[ModuleEffect]], unit: str, size: Callable[[ModuleEffect], str], of: str = ""
) -> Table:
    """The effects on each of some quantities.

    `size` gives an effect with its interval, `of` what is measured on.
    """
    rows = tuple(
        (
            quantity,
            effect.module,
            size(effect),
            p_cell(effect.p_seeds),
            p_cell(effect.p_networks),
            p_cell(effect.p_corrected),
        )
        for quantity, of_quantity in effects.items()
        for effect in of_quantity
    )
    first = next(effect for of_quantity in effects.values() for effect in of_quantity)
    return Table(
        ("quantity", "with", f"{unit} [95%]", "p, seeds", "p, networks", "p, corrected"),
        rows,
        f"One linear model of {first.networks} networks × {first.seeds} seeds{of}: the effect of each module beside "
        "the others, with the seed as block and the network as unit. The interval is the widest of three: as the "
        "effect "
        "varies over seeds, as networks with the same modules vary, and both together; the last p-value belongs to it, "
        "corrected after Holm for the modules.",
        words=("with",),
    )


def effects_sentence(
    effects: Sequence[ModuleEffect], quantity: str, verb: str, size: Callable[[ModuleEffect], str], unit: str
) -> str:
    """Which modules are shown to change a quantity, and which are not; nothing without effects.

    It reads "the loss changes by −0.1 [−0.2, 0.0] points with attention": quantity, verb, size, unit, module.
    """
    if not effects:
        return ""
    shown = [
        f"{size(effect)}{unit} with {effect.module} (p {p_value(effect.p_corrected)})"
        for effect in effects
        if effect.is_significant
    ]
    others = [
        f"{effect.module} ({size(effect)}, p {p_value(effect.p_corrected)})"
        for effect in effects
        if not effect.is_significant
    ]
    over = f"Over {plural(effects[0].networks, 'network')} and {plural(effects[0].seeds, 'seed')}"
    unshown = " or ".join(others)
    if not shown:
        return f"{over}, no effect of {unshown} on {quantity} is shown."
    return f"{over}, {quantity} {verb} {listed(shown)}." + (f" No effect of {unshown} is shown." if others else "")
