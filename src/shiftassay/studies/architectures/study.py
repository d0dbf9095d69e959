"""The schema of a study file of kind `architectures`."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from shiftassay.evaluation.compare import MARGIN
from shiftassay.records import JsonValue
from shiftassay.runs.recipe import Recipe, recipe_named
from shiftassay.studies.strict import MOST_SEEDS, Strict, as_stored, merged

# What no section measures, and what only the section of its name does.
TEXTS_AND_SIZES = {"quick", "full", "title", "question", "statements"}
OPTIONAL_SECTIONS = {"heads", "suggestions", "distortions", "robustness"}
OWN_SETTINGS = OPTIONAL_SECTIONS | {"selection"}

Settings = dict[str, JsonValue]
"""Values by the names that a network, a recipe or the study itself has for them."""


Statement = Literal[
    "selection",
    "held_out",
    "early_stopping",
    "accuracies",
    "coordinates",
    "attention_and_transformer",
    "lowest_loss",
    "stability",
    "heads",
    "positions",
    "recipe",
    "distortions",
    "parameters",
    "batches",
]
"""What a source may say something of that the study judges."""


class Claim(Strict):
    """What a source reports of a network that it trained for `epochs`.

    `losses` and `right` (images classified correctly) are by epoch. `says_lowest`: the source says that this network
    has the lowest loss of all.
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
    """A network trained with one change, to see whether its loss then fluctuates less.

    Over at most so many of the study's seeds.
    """

    name: str
    network: str
    seeds: int | None = Field(default=None, ge=1)
    parameters: Settings = {}
    recipe: Settings = {}


class Selection(Strict):
    """Which networks are trained once more, with images held out to choose the epoch on.

    Over at most so many of the study's seeds.
    """

    networks: tuple[str, ...] = ()
    held_out: int = Field(default=0, ge=0)
    seeds: int | None = Field(default=None, ge=1)


class Heads(Strict):
    """Variants of one network, each compared with the variant `reference`.

    `variants` holds the network's parameters by the variant's name.
    """

    network: str
    reference: str
    variants: dict[str, Settings] = Field(min_length=2)
    epochs: int = Field(ge=1)
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)


class Suggestions(Strict):
    """A factorial experiment, judged on held-out images.

    Each combination is trained once, with its own seed.
    """

    networks: tuple[str, ...] = Field(min_length=1)
    dropout: tuple[float, ...] = Field(min_length=1)
    schedules: tuple[Literal["constant", "one_cycle"], ...] = Field(min_length=1)
    optimizers: dict[str, Settings] = Field(min_length=1)
    epochs: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    held_out: int = Field(default=10_000, ge=1)


class Distortions(Strict):
    """Training and testing on other data sets.

    A source's reported error rates stand beside the results.
    """

    datasets: tuple[str, ...] = Field(min_length=1)
    epochs: int = Field(ge=1)
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)
    images: int | None = Field(default=None, ge=1)
    recipe: Settings = {}
    reported: dict[str, dict[str, float]] = {}
    source: str = "the source"


class Robustness(Strict):
    """Trained on the study's data, tested on shifts of its test set."""

    shifts: tuple[str, ...] = Field(min_length=1)
    images: int | None = Field(default=None, ge=1)


class Architectures(Strict):
    """A study of networks that are trained alike; the others are compared with `control`.

    `margin` is the equivalence margin of accuracies. `statements` are what the source says, by what it is about: the
    report judges them in a table.
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
    statements: dict[Statement, str] = {}
    ablations: tuple[Ablation, ...] = ()
    selection: Selection = Selection()
    heads: Heads | None = None
    suggestions: Suggestions | None = None
    distortions: Distortions | None = None
    robustness: Robustness | None = None
    quick: Settings = {}
    full: Settings = {}

    def asks_for(self, section: str) -> bool:
        """Whether a section is to be measured.

        An optional one is only if the file has its settings.
        """
        return section not in OPTIONAL_SECTIONS or getattr(self, section) is not None

    def settings_for(self, section: str) -> Settings:
        """All settings that a section's numbers may depend on, spelled as they are stored."""
        return as_stored(self.model_dump(mode="json", exclude=(TEXTS_AND_SIZES | OWN_SETTINGS) - {section}))

    def training_recipe(self, **changes: JsonValue) -> Recipe:
        """The recipe of every training, with changes."""
        recipe = recipe_named(self.recipe)
        return replace(recipe, **{"epochs": self.epochs or recipe.epochs, **changes})

    def sized(self, size: Literal["default", "quick", "full"], seeds: int | None) -> "Architectures":
        """The study in its quick or full form, with another number of seeds if that is given."""
        changes = {} if size == "default" else getattr(self, size)
        content = merged(self.model_dump(), {**changes, **({"seeds": seeds} if seeds else {})})
        return Architectures.model_validate(content)
