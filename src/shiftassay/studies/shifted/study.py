"""What a study file of kind `shifted-test-sets` may say."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from shiftassay.evaluation.attack_set import AttackBudget
from shiftassay.evaluation.evaluate import MARGIN
from shiftassay.paths import LONGEST_VARIANT, not_a_name
from shiftassay.records import JsonObject
from shiftassay.studies.strict import MOST_SEEDS, Strict, merged

# Of one model for all variants; the last is the upper bound, and not one model.
DESIGNS = ("clean-only", "mixture", "id-as-input", "film", "adapters", "undo", "undo-and-id", "specialists")


VariantParameters = dict[str, Any]
"""A variant's parameters by name: JSON, or a strength to be found (`HarmlessWithin`, `SameAs`)."""


class HarmlessWithin(Strict):
    """The largest strength that is shown to be harmless.

    At it, accuracy on held-out training images is shown to move by less than this.
    """

    harmless_within: float = Field(gt=0, lt=1)


class SameAs(Strict):
    """The strength of another variant, by its name."""

    same_as: str


class VariantSpec(Strict):
    """One shifted test set: a family of the catalogue, its parameters and its scope."""

    name: str
    family: str
    parameters: VariantParameters = {}
    scope: Literal["shared", "per_image"] | None = None

    @field_validator("name", mode="after")
    @classmethod
    def _names_files(cls, name: str) -> str:
        if why := not_a_name(name, LONGEST_VARIANT):
            raise ValueError(f"a variant's name is also that of its files, and {why}")
        return name

    @field_validator("parameters", mode="after")
    @classmethod
    def _strengths(cls, parameters: VariantParameters) -> VariantParameters:
        kinds = {"harmless_within": HarmlessWithin, "same_as": SameAs}
        searched = {
            name: next((kinds[key] for key in value if key in kinds), None)
            for name, value in parameters.items()
            if isinstance(value, dict)
        }
        return {
            name: kind.model_validate(value) if (kind := searched.get(name)) else value
            for name, value in parameters.items()
        }


class Attacks(Strict):
    """What is spent on attacks wherever accuracy under attack is reported."""

    images: int = Field(default=500, ge=10)
    steps: int = Field(default=20, ge=1)
    restarts: int = Field(default=1, ge=1)
    targets: int = Field(default=2, ge=0)
    queries: int = Field(default=200, ge=0)

    @property
    def budget(self) -> AttackBudget:
        return AttackBudget(self.images, self.steps, self.restarts, self.targets, self.queries)


class Argument(Strict):
    """How much is spent on the argument.

    `images` are diagnosed and repaired (None: all); `epochs` are passes over training images. `thorough` repairs train
    on all training images.
    """

    images: int | None = Field(default=None, ge=200)
    epochs: int = Field(default=4, ge=1)
    thorough: bool = True
    attacks: Attacks = Attacks()


Count = Annotated[int, Field(ge=1)]


class Experiments(Strict):
    """How much is spent on the experiments that isolate what sets two variants apart.

    Networks are trained from scratch in `updates` steps, whatever the number of training images, over `seeds` seeds
    where seeds are compared. `control` is a network of the registry that is not invariant to permuting pixels.
    """

    updates: int = Field(default=800, ge=1)
    seeds: int = Field(default=3, ge=1, le=MOST_SEEDS)
    draws: tuple[Count, ...] = Field(default=(1, 4, 16, 64), min_length=1)
    """How many draws are dealt out among the images; one for each image comes on top."""
    training_images: tuple[Annotated[int, Field(ge=100)], ...] = Field(default=(2_500, 10_000), min_length=1)
    """How many are learned from while the number of draws varies; the other experiments take the largest."""
    fresh_draws: int = Field(default=20, ge=2)
    """How many other draws that all images share the unmodified model is tried on."""
    control: str = "trunk"
    images: int = Field(default=1000, ge=10)
    """Test images on which gradients are taken."""
    image_sizes: tuple[Annotated[int, Field(ge=4)], ...] = (14, 28, 56)
    """Sides, in pixels, to which square images are resized."""
    strengths: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(0.5, 1.0, 1.5, 2.0), min_length=1)
    """An attack's strengths, in units of the variant's."""
    strength_images: int = Field(default=200, ge=10)


class Serving(Strict):
    """One model for all variants.

    Its designs, and the epochs and training images (None: all) for each.
    """

    designs: tuple[str, ...] = Field(min_length=1)
    epochs: int | None = Field(default=None, ge=1)
    images: int | None = Field(default=None, ge=1000)
    asked: int = Field(default=2000, ge=10)

    @field_validator("designs", mode="after")
    @classmethod
    def _known(cls, designs: tuple[str, ...]) -> tuple[str, ...]:
        for name in designs:
            if name not in DESIGNS:
                raise ValueError(f"designs are {', '.join(DESIGNS)}, not {name}")
        return designs


class ShiftedTestSets(Strict):
    """A study of a network on shifted test sets: variants from the catalogue, or a folder of them.

    `contrasts` are the pairs of variants whose difference is to be explained. Without an `argument` table the variants
    are only evaluated.
    """

    kind: Literal["shifted-test-sets"]
    title: str
    question: str
    data: str = "mnist"
    network: str
    network_parameters: JsonObject = {}
    recipe: str
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)
    epochs: int | None = Field(default=None, ge=1)
    margin: float = Field(default=MARGIN, gt=0, lt=1)
    variants: tuple[VariantSpec, ...] = ()
    folder: str | None = None
    contrasts: tuple[tuple[str, str], ...] = ()
    argument: Argument | None = None
    experiments: Experiments = Experiments()
    one_for_all: Serving | None = None
    quick: JsonObject = {}
    full: JsonObject = {}

    @model_validator(mode="after")
    def _argued(self) -> "ShiftedTestSets":
        if self.argument is None and (self.contrasts or self.one_for_all):
            raise ValueError(
                "contrasts and one_for_all rest on the diagnoses of an [argument] table, and there is none"
            )
        return self

    def sized(self, size: Literal["default", "quick", "full"], seeds: int | None) -> "ShiftedTestSets":
        """The study in its quick or full form, with another number of seeds if that is given."""
        changes = {} if size == "default" else getattr(self, size)
        content = merged(self.model_dump(), {**changes, **({"seeds": seeds} if seeds else {})})
        return ShiftedTestSets.model_validate(content)
