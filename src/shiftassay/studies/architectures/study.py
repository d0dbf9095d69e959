"""What a study file of kind `architectures` may say."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shiftassay.evaluation.compare import MARGIN
from shiftassay.studies.strict import MOST_SEEDS, Strict, merged

MANY_SEEDS = 10


class Claim(Strict):
    """What a source reports of a network after so many epochs: parameters, best accuracy, loss and number right by epoch.

    `says_lowest`: the source says that this network's loss is the lowest.
    """

    network: str
    name: str
    epochs: int = Field(ge=1)
    parameters: int
    best_accuracy: float
    losses: dict[int, float] = {}
    right: dict[int, int] = {}
    lowest_loss: float | None = None
    largest_jump: float | None = None
    says_lowest: bool = False


class Ablation(Strict):
    """A network trained with something changed, to see whether that steadies it."""

    name: str
    network: str
    parameters: dict[str, Any] = {}
    recipe: dict[str, Any] = {}


class Suggestions(Strict):
    """A factorial experiment: every combination is trained once, with a seed of its own, and judged on held-out training images."""

    networks: tuple[str, ...] = Field(min_length=1)
    dropout: tuple[float, ...] = Field(min_length=1)
    schedules: tuple[Literal["constant", "one_cycle"], ...] = Field(min_length=1)
    optimizers: dict[str, dict[str, Any]] = Field(min_length=1)
    epochs: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    held_out: int = Field(default=10_000, ge=1)


class Distortions(Strict):
    """Training and testing on other data sets, beside the error rates that a source reports there."""

    datasets: tuple[str, ...] = Field(min_length=1)
    epochs: int = Field(ge=1)
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)
    images: int | None = Field(default=None, ge=1)
    recipe: dict[str, Any] = {}
    reported: dict[str, dict[str, float]] = {}
    source: str = "the source"


class Robustness(Strict):
    """Trained on the study's data, tested on shifts of its test set."""

    shifts: tuple[str, ...] = Field(min_length=1)
    images: int | None = Field(default=None, ge=1)


class Architectures(Strict):
    """A study of networks that are trained alike; `control` is the one that the others are held against.

    `margin` is that of equivalence; ten seeds or more can show half of it.
    """

    kind: Literal["architectures"]
    title: str
    question: str
    data: str = "mnist"
    networks: tuple[str, ...] = Field(min_length=2)
    control: str
    recipe: str
    seeds: int = Field(default=2, ge=1, le=MOST_SEEDS)
    epochs: int | None = Field(default=None, ge=1)
    margin: float = Field(default=MARGIN, gt=0, lt=1)
    audit_images: int | None = Field(default=None, ge=1)
    source: str = "the source"
    claims: tuple[Claim, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    suggestions: Suggestions | None = None
    distortions: Distortions | None = None
    robustness: Robustness | None = None
    quick: dict[str, Any] = {}
    full: dict[str, Any] = {}

    @property
    def equivalence_margin(self) -> float:
        return self.margin / 2 if self.seeds >= MANY_SEEDS else self.margin

    def sized(self, size: Literal["default", "quick", "full"], seeds: int | None) -> "Architectures":
        """The study in its quick or full form, with another number of seeds if that is given."""
        changes = {} if size == "default" else getattr(self, size)
        content = merged(self.model_dump(), {**changes, **({"seeds": seeds} if seeds else {})})
        return Architectures.model_validate(content)
