"""What every mechanism is measured on, and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Int64
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.records import JsonValue, Record
from shiftassay.statistics.paired import mcnemar
from shiftassay.words.text import short

T = TypeVar("T")


Numbers = Mapping[str, JsonValue]
"""What was measured of a mechanism, by name: each mechanism has its own."""


@dataclass(frozen=True)
class Extent(Record):
    """How much there is of what a mechanism speaks of, and from where on that counts.

    `words` say it in a clause.
    """

    value: float
    limit: float
    words: str

    @property
    def counts(self) -> bool:
        return self.value >= self.limit


@dataclass(frozen=True)
class MatchedControl(Record):
    """A change as large as the shift's, its accuracy, and how much of a mechanism it has.

    `what` completes "the same change …". `extent` is None where the control does harm as well, and so tells nothing.
    """

    what: str
    accuracy: float
    extent: Extent | None

    @property
    def harmless(self) -> bool:
        return self.extent is not None

    @property
    def refutes(self) -> bool:
        """Whether the mechanism is there without harm."""
        return self.extent is not None and self.extent.counts


@dataclass(frozen=True)
class Mechanism(Record):
    """One possible reason why accuracy moved or held, and whether it passed its test.

    `sentence` holds true only where it is `present`; `numbers` are the measured effects beside their nulls. `control`
    is the harmless change of the same size that has most of it, or where none is harmless the one that harms least;
    None where none is asked for: nothing was lost, images have no partners, or the test has a control of its own.
    """

    name: str
    present: bool
    sentence: str
    numbers: Numbers
    control: MatchedControl | None = None

    @property
    def brief(self) -> str:
        """The mechanism in a few words, without numbers."""
        return _BRIEF.get(self.name, self.name.replace("_", " "))

    @property
    def explains(self) -> bool:
        """Whether it is present as a reason: it does not only describe what the network does."""
        return self.present and self.name not in _DESCRIBES

    def __str__(self) -> str:
        return self.sentence if self.present else f"not shown: {self.brief}"

    def __repr__(self) -> str:
        return f"<Mechanism {self.name}: {'present' if self.present else 'not shown'}>"


Measure = Callable[["Case"], Mechanism | None]
"""None where it can't be measured: unpaired images, no labels, nothing lost."""


_BRIEF: dict[str, str] = {}
_EXTENTS: dict[str, Callable[["Case"], Extent | None]] = {}
_DESCRIBES: set[str] = set()


def briefly(
    text: str, extent: Callable[["Case"], Extent | None] | None = None, describes: bool = False
) -> Callable[[Measure], Measure]:
    """Say in a few words what a measure's mechanism is; the mechanism has the measure's name.

    `extent` measures how much of it there is, harm or none. A mechanism that is to explain harm has one, unless its own
    test compares with a control that does no harm, or it only `describes` what the network does.
    """

    def noted(measure: Measure) -> Measure:
        _BRIEF[measure.__name__] = text
        if describes:
            _DESCRIBES.add(measure.__name__)
        if extent is not None:
            _EXTENTS[measure.__name__] = extent
        return measure

    return noted


def extent_of(mechanism: Mechanism, case: "Case") -> Extent | None:
    """How much of a mechanism there is in a case; None where its test has a control of its own."""
    measure = _EXTENTS.get(mechanism.name)
    return None if measure is None else measure(case)


def has_extent(mechanism: Mechanism) -> bool:
    """Whether a mechanism can be measured where nothing is lost."""
    return mechanism.name in _EXTENTS


@dataclass(frozen=True)
class Case:
    """One model, a reference and a shifted set, and what is known about them.

    The sets have a few thousand images each. `in_step` are all shifted images and their labels, in their order.
    """

    model: nn.Module
    reference: Float32[np.ndarray, "n c h w"]
    shifted: Float32[np.ndarray, "m c h w"]
    reference_labels: Int64[np.ndarray, "n"] | None
    shifted_labels: Int64[np.ndarray, "m"] | None
    train: Float32[np.ndarray, "k c h w"] | None
    paired: bool
    seed: int
    in_step: ImageSet
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _of_reference: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def with_shifted(self, shifted: Float32[np.ndarray, "m c h w"]) -> "Case":
        """The same model and reference, with other images in place of the shifted ones."""
        return replace(self, shifted=shifted, _cache={})

    def class_name(self, label: int) -> str:
        """What a class is called: by its name in quotes, or by its number."""
        classes = self.in_step.classes
        return repr(short(classes[label])) if classes is not None and label < len(classes) else str(label)

    @property
    def gradient_images(self) -> int:
        """How many images are taken for what needs gradients: fewer of large ones."""
        affordable = SETTINGS.gradient_values // max(1, self.reference[0].size)
        return min(SETTINGS.gradient_images, max(SETTINGS.gradients, affordable))

    def rng(self, name: str) -> np.random.Generator:
        """The random numbers of one mechanism: the same whichever others are measured."""
        return np.random.default_rng(seed_for(self.seed, "mechanism", name))

    def memoized(self, name: str, measure: Callable[[], T]) -> T:
        """What `measure` returns, called once however many mechanisms need it."""
        if name not in self._cache:
            self._cache[name] = measure()
        return self._cache[name]

    def once_of_reference(self, name: str, measure: Callable[[], T]) -> T:
        """What `measure` returns of the reference, called once whatever the shifted images."""
        if name not in self._of_reference:
            self._of_reference[name] = measure()
        return self._of_reference[name]

    @property
    def reference_logits(self) -> Float32[np.ndarray, "n classes"]:
        return self.once_of_reference("logits", lambda: predict(self.reference, model=self.model, name="the reference"))

    @cached_property
    def shifted_logits(self) -> Float32[np.ndarray, "m classes"]:
        return predict(self.shifted, model=self.model, name="the shifted set")

    @cached_property
    def in_step_logits(self) -> Float32[np.ndarray, "all classes"]:
        return predict(self.in_step.images, model=self.model)

    @property
    def truth(self) -> Int64[np.ndarray, "m"] | None:
        """What the shifted images show: their labels in the reference.

        So labels that moved mislead no one. Without labels, of paired images, what the model took the reference for.
        """
        if not self.paired:
            return self.shifted_labels
        return self.reference_labels if self.reference_labels is not None else labels_of(self.reference_logits)

    @property
    def same_labels(self) -> bool:
        """Whether the shifted images carry the labels that they have in the reference."""
        if not self.paired or self.reference_labels is None or self.shifted_labels is None:
            return False
        return bool((self.reference_labels == self.shifted_labels).all())

    @property
    def right_before(self) -> Bool[np.ndarray, "n"]:
        """Which images of the reference the model gets right."""
        labels = self.reference_labels if self.reference_labels is not None else labels_of(self.reference_logits)
        return labels_of(self.reference_logits) == labels

    @property
    def right_after(self) -> Bool[np.ndarray, "m"]:
        """Which shifted images the model gets right, by what they show."""
        return labels_of(self.shifted_logits) == self.truth

    @cached_property
    def before(self) -> float:
        return float(self.right_before.mean())

    @cached_property
    def after(self) -> float:
        return float(self.right_after.mean())

    @property
    def dropped(self) -> bool:
        """Whether accuracy fell enough to be explained by what happened to the images."""
        return self.truth is not None and self.before - self.after >= thresholds.ACCURACY_DROP and self._significant

    @cached_property
    def _significant(self) -> bool:
        if self.paired:
            gained = int((self.right_after & ~self.right_before).sum())
            return mcnemar(gained, int((self.right_before & ~self.right_after).sum())) < thresholds.MECHANISM_LEVEL
        error = np.sqrt(self.before * (1 - self.before) / len(self.reference) + 0.25 / len(self.shifted))
        return self.before - self.after > 2.6 * float(error)

    def right(self, images: Float32[np.ndarray, "m c h w"]) -> Bool[np.ndarray, "m"]:
        """Which of these versions of the shifted images the model gets right."""
        return labels_of(predict(images, model=self.model)) == self.truth

    def restores(self, right: Bool[np.ndarray, "m"], where: Any = slice(None)) -> tuple[float, float]:
        """The share of the lost accuracy that comes back, and McNemar's p-value that none does."""
        now = self.right_after[where]
        share = (right.mean() - now.mean()) / max(self.before - now.mean(), 1e-9)
        return float(share), mcnemar(int((right & ~now).sum()), int((now & ~right).sum()))
