"""The result of a diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import model_validator

from shiftassay.diagnosis.adversarial import AdversarialEvidence
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.pairing.pair import Pairing
from shiftassay.diagnosis.proof import Accuracies, Check
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import JsonObject, Record

SCHEMA = "shiftassay.diagnosis/1"


@dataclass(frozen=True)
class ImageCounts(Record):
    """How many images were remade and undone, and how many the mechanisms were measured on."""

    remade: int = 0
    mechanisms: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Diagnosis(Record):
    """All that was found out. `verdict.shift` can be applied to other images and, where it is shared, undone.

    `candidates` are the best that were considered, best first. `accuracy` is the model's, None without a model or labels, and
    `evaluations` are those of the model on all images of both sets. `seconds` is how long the diagnosis took.
    """

    pairing: Pairing
    verdict: Verdict
    candidates: tuple[CandidateSummary, ...] = ()
    accuracy: Accuracies | None = None
    ceiling: Ceiling | None = None
    explanation: str = ""
    proof: tuple[Check, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    adversarial: AdversarialEvidence | None = None
    notes: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    images: ImageCounts = ImageCounts()
    seconds: float = 0.0

    def to_json(self) -> JsonObject:
        """Its fields in their order, after the schema's name; the time that it took stands under `environment`."""
        content = super().to_json()
        seconds = content.pop("seconds")
        return {"schema": SCHEMA, **content, "environment": {"seconds": seconds}}

    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, content: Any) -> Any:
        if not isinstance(content, Mapping) or "environment" not in content:
            return content
        return {**content, "seconds": content["environment"].get("seconds", 0.0)}
