"""What was measured of one model for all variants.

Each design's accuracies and costs, and the router's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shiftassay.evaluation.attack_set import QUICK, AttackBudget, Robustness
from shiftassay.records import Record
from shiftassay.runs.results import TrainingTimes
from shiftassay.statistics.intervals import Interval


@dataclass(frozen=True)
class ServedVariant(Record):
    """A variant that a model is trained for.

    Its shift, its front before the network, and what is lost to it.
    """

    shift: str
    front: str
    information: str
    attack: bool


@dataclass(frozen=True)
class AccuracyOverSeeds(Record):
    """The mean accuracy over seeds and images with its interval, and that of each seed."""

    estimate: float
    low: float
    high: float
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class AccuracyWhenTold(Record):
    """The mean accuracy over seeds with an id that may be wrong.

    And by how much it exceeds that with the right one.
    """

    estimate: float
    low: float
    high: float
    minus_right_id: Interval


@dataclass(frozen=True)
class MeasuredDesign(Record):
    """A design's size, cost and accuracies; a column is a variant, or a fresh attack.

    `for_one_more` counts the parameters for one variant more, `attacks` gradients for attacks. `held_out` are
    accuracies on held-out training images. `minus` are differences from other designs, by name. `wrong_id[a][b]` is
    the accuracy on images of a when the model is told b, `inferred` that with the router's ids.
    `under_attack` says, over all seeds, how much each fresh attack takes. `minus_specialists`, `wrong_id` and
    `inferred` are None where they have no meaning: for specialists, or without them.
    """

    parameters: int
    for_one_more: int
    attacks: float
    environment: TrainingTimes
    held_out: Mapping[str, float]
    accuracy: Mapping[str, AccuracyOverSeeds]
    minus_specialists: Mapping[str, Interval] | None
    wrong_id: Mapping[str, Mapping[str, AccuracyWhenTold]] | None
    inferred: Mapping[str, AccuracyWhenTold] | None
    minus: Mapping[str, Mapping[str, Interval]]
    under_attack: Mapping[str, Robustness] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasuredRouter(Record):
    """How often a router infers the variant of an image.

    Besides, what the images of each variant are taken for.
    """

    parameters: int
    accuracy: Mapping[str, Interval]
    taken_for: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class ServedVariants(Record):
    """One model for all variants, with its designs by name.

    `asked` is the number of images that are shown under every id, `held_out_images` that of the training images held
    out, on which designs are chosen. `attacked` images are attacked afresh, by `attacks`.
    """

    variants: Mapping[str, ServedVariant]
    images: int
    asked: int
    seeds: int
    epochs: int
    plain_parameters: int
    designs: Mapping[str, MeasuredDesign]
    router: MeasuredRouter
    held_out_images: int = 0
    attacked: int = 0
    attacks: AttackBudget = QUICK
