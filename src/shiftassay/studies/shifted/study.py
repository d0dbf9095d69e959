"""What a study file of kind `shifted-test-sets` may say."""

from typing import Any, Literal

from pydantic import Field, field_validator

from shiftassay.evaluation.evaluate import MARGIN
from shiftassay.studies.strict import Strict


class HarmlessWithin(Strict):
    """A strength to be found: the largest at which accuracy on held-out training images is shown to move by less than this."""

    harmless_within: float = Field(gt=0, lt=1)


class SameAs(Strict):
    """The strength of another variant, by its name."""

    same_as: str


class VariantSpec(Strict):
    """One shifted test set: a family of the catalogue, its parameters and its scope."""

    name: str = Field(pattern=r"^\w[\w .+-]*$")
    family: str
    parameters: dict[str, Any] = {}
    scope: Literal["shared", "per_image"] | None = None

    @field_validator("parameters", mode="after")
    @classmethod
    def _strengths(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        kinds = {"harmless_within": HarmlessWithin, "same_as": SameAs}
        found = {
            name: next((kinds[key] for key in value if key in kinds), None)
            for name, value in parameters.items()
            if isinstance(value, dict)
        }
        return {
            name: kind.model_validate(value) if (kind := found.get(name)) else value
            for name, value in parameters.items()
        }


class Size(Strict):
    """What the quick and the full form of a study change."""

    seeds: int | None = Field(default=None, ge=1)
    epochs: int | None = Field(default=None, ge=1)


class ShiftedTestSets(Strict):
    """A study of a network on shifted test sets: variants from the catalogue, or a folder of them."""

    kind: Literal["shifted-test-sets"]
    title: str
    question: str
    data: str = "mnist"
    network: str
    network_parameters: dict[str, Any] = {}
    recipe: str
    seeds: int = Field(default=1, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    margin: float = Field(default=MARGIN, gt=0, lt=1)
    variants: tuple[VariantSpec, ...] = ()
    folder: str | None = None
    quick: Size = Size()
    full: Size = Size()

    def sized(self, size: Literal["default", "quick", "full"], seeds: int | None) -> "ShiftedTestSets":
        """The study in its quick or full form, with another number of seeds if that is given."""
        changes = {} if size == "default" else getattr(self, size).model_dump(exclude_none=True)
        return self.model_copy(update={**changes, **({"seeds": seeds} if seeds else {})})
