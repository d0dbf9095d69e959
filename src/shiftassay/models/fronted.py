"""A model behind a front, kept as a card that names the front.

So it is loaded like any other.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.models.classifier import Classifier, ModelCard, check_sizes
from shiftassay.models.filters import LinearFilter, Median, Standardize
from shiftassay.models.fronts import AsIs, Front, Shrink, Sort, front_of, straight_through
from shiftassay.records import Record
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Parameters

SCHEMA = "shiftassay.fronted/1"

FrontJson = Parameters
"""A front as JSON: its `kind`, and the fields of that kind of front; for "undo", the `shift`."""

KINDS: dict[str, type] = {
    "median": Median,
    "linear": LinearFilter,
    "standardise": Standardize,
    "shrink": Shrink,
    "sort": Sort,
    "as_is": AsIs,
}


class Fronted(nn.Module):
    """Images through a front, then the model.

    With `straight` the gradient of the front is taken for that of the identity, for attacks on it.
    """

    def __init__(self, model: nn.Module, spec: FrontJson, input_shape: tuple[int, int, int]):
        super().__init__()
        self.model = model
        self.spec = dict(spec)
        self.input_shape = input_shape
        self.front = front_from(spec, input_shape)
        self.straight = False

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        front = straight_through(self.front) if self.straight else self.front
        return self.model(front(images))

    @property
    def network(self) -> nn.Module:
        """The network whose weights are kept."""
        return self.model.network if isinstance(self.model, Classifier) else self.model

    @property
    def card(self) -> "FrontedCard":
        """Raises `BadInput` for a model that is not the lab's own: no card describes it."""
        if not isinstance(self.model, Classifier):
            raise BadInput("a model that is not the lab's own can't be kept behind a front. Import its weights first.")
        return FrontedCard(self.spec, self.model.card)

    @classmethod
    def from_card(cls, card: "FrontedCard") -> "Fronted":
        """The untrained model that a card describes."""
        return cls(Classifier.from_card(card.model), card.front, card.model.input_shape)


@dataclass(frozen=True)
class FrontedCard(Record):
    """A front as JSON, and the card of the model behind it."""

    front: FrontJson
    model: ModelCard
    schema: str = SCHEMA

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Raises `TypeError`, `ValueError` or `KeyError` for content that no card has."""
        check_sizes(content["model"])
        return super().from_json(content)


def undoing(shift: Shift) -> FrontJson:
    """The spec of the front that undoes a shift as far as possible without another image."""
    return {"kind": "undo", "shift": shift.to_json()}


def spec_of(front: Front) -> FrontJson:
    """The spec of a filter.

    >>> front_from(spec_of(Median(3)), (1, 28, 28))
    Median(size=3)
    """
    kind = next(name for name, cls in KINDS.items() if type(front) is cls)
    return {"kind": kind, **asdict(front)}  # pyright: ignore[reportArgumentType]  # every kind is a dataclass


def front_from(spec: FrontJson, input_shape: tuple[int, int, int]) -> Front:
    """A front from its spec. Raises `BadInput`."""
    kind = spec.get("kind")
    if kind == "undo":
        return front_of(catalog.from_json(spec["shift"]), input_shape)
    if kind not in KINDS:
        raise BadInput(f"front {kind!r}: expected undo, {', '.join(KINDS)}.")
    fields = {name: value for name, value in spec.items() if name != "kind"}
    if kind == "linear":
        fields["weights"] = tuple(map(tuple, fields["weights"]))
    return KINDS[kind](**fields)
