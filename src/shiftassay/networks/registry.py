"""Every architecture by its name."""

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from torch import nn

from shiftassay.errors import BadInput, unknown_name
from shiftassay.records import JsonValue
from shiftassay.registry import Registry

Parameters = Mapping[str, JsonValue]
"""The parameters of a network by name, as JSON; those that are missing have their defaults."""


class Network(nn.Module):
    """A network from normalised images to logits.

    Its class says how it is trained, and how many parameters it has.
    """

    recipe: ClassVar[str] = "seed-003"
    """By which it is trained unless another is given."""
    parameter_count: ClassVar[int]
    """For MNIST and with its default parameters."""
    mixes_batch: ClassVar[bool] = False
    """Whether the answer to an image depends on the others in its batch."""


NETWORKS: Registry[type[Network]] = Registry("network", "shiftassay.networks")
OF_THE_DATA = ("self", "input_shape", "classes")


def build(name: str, input_shape: tuple[int, int, int], classes: int, parameters: Parameters) -> Network:
    """An untrained network for images of (c, h, w), with PyTorch's default initialisation.

    Raises `BadInput` for an unknown name or parameter, or one whose value the network cannot be built with.

    >>> sum(weights.numel() for weights in build("mlp", (1, 28, 28), 10, {}).parameters())
    1059560
    """
    check_parameters(name, parameters)
    try:
        return NETWORKS[name](input_shape=input_shape, classes=classes, **parameters)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"{name}: can't be built for {input_shape} images with {dict(parameters)} ({error}).") from None


def parse(text: str) -> tuple[str, dict[str, JsonValue]]:
    """A network and its parameters from the form `network:name=value,…`.

    Raises `BadInput`.

    >>> parse("stn:bound=0.5,transformation=similarity"), parse("mlp:widths=[20,10]")
    (('stn', {'bound': 0.5, 'transformation': 'similarity'}), ('mlp', {'widths': [20, 10]}))
    """
    name, _, rest = text.partition(":")
    parameters = {}
    for part in re.findall(r"[^,\[]+(?:\[[^\]]*\])?", rest):
        key, equals, value = part.partition("=")
        if not equals:
            raise BadInput(f"{text!r}: expected network:name=value,name=value, for example stn:bound=0.5.")
        try:
            parameters[key.strip()] = json.loads(value)
        except ValueError:
            parameters[key.strip()] = value.strip()
    check_parameters(name, parameters)
    return name, parameters


def check_parameters(name: str, parameters: Iterable[str]) -> None:
    """Raise `BadInput` for an unknown network, or a parameter that it does not have."""
    defaults = parameters_of(name)
    for parameter in parameters:
        if parameter not in defaults:
            raise unknown_name(f"parameter of {name}", parameter, defaults)


def parameters_of(name: str) -> dict[str, JsonValue]:
    """The parameters of a network and their defaults."""
    signature = inspect.signature(NETWORKS[name].__init__).parameters
    return {key: parameter.default for key, parameter in signature.items() if key not in OF_THE_DATA}
