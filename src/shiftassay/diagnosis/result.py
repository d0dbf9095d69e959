"""The result of a diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import model_validator

from shiftassay.diagnosis.adversarial import AdversarialEvidence
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.mechanisms.matched import without_harmless_control
from shiftassay.diagnosis.pairing.pair import Pairing
from shiftassay.diagnosis.proof import Accuracies, Agreements, Check
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.turned import Turned
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.diagnosis.what_now import LONGEST, advice_on, code_instead, in_lines
from shiftassay.diagnosis.wording import (
    INFORMATION,
    confidence_in_words,
    fact,
    on_sample,
    pairing_in_words,
    table_of,
    wrapped,
)
from shiftassay.errors import BadInput
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import JsonObject, Record, not_kept
from shiftassay.shifts.catalog import ShiftField
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.wording import in_short, in_words
from shiftassay.words.html import html_table, paragraphs, preformatted
from shiftassay.words.lists import first_of
from shiftassay.words.numbers import percent

SCHEMA = "shiftassay.diagnosis/1"


@dataclass(frozen=True)
class ImageCounts(Record):
    """How many images were remade and undone, and how many the mechanisms were measured on."""

    remade: int = 0
    mechanisms: int = 0


@runtime_checkable
class Display(Protocol):
    """Shows a diagnosis with pictures of the sets that it is of."""

    def html(self, diagnosis: "Diagnosis") -> str:
        """A few pictures, as HTML."""
        ...

    def write_page(self, path: Path, diagnosis: "Diagnosis") -> Path:
        """Write its page. Raises `BadInput` where it can't be written."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Diagnosis(Record):
    """What a diagnosis found.

    `framing` is what changed the pictures' size, the verdict's first parts; None where both sets have one size.
    `verdict.shift` can be applied to other images and, where it is shared, undone. `candidates` are the best that
    were considered, best first. `accuracy` is the model's, None without a model or labels, and `agreement` is how far
    it answers as on the reference, None without a model or partners. `evaluations` are those of the model on all
    images of both sets, and `turned` tells which images those answered right in one set only. `left_out` is the share
    of each picture's pixels that was not compared. `commands` go on from a diagnosis that a command made. `seconds`
    is how long the diagnosis took. `display` shows its pictures; it is neither stored nor sent to another process.
    """

    pairing: Pairing
    verdict: Verdict
    candidates: tuple[CandidateSummary, ...] = ()
    framing: ShiftField | None = None
    accuracy: Accuracies | None = None
    agreement: Agreements | None = None
    ceiling: Ceiling | None = None
    explanation: str = ""
    proof: tuple[Check, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    adversarial: AdversarialEvidence | None = None
    notes: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    turned: Turned | None = None
    images: ImageCounts = ImageCounts()
    left_out: float = 0.0
    commands: tuple[str, ...] = ()
    seconds: float = 0.0
    display: Display | None = not_kept()
    derived = ("advice", "code", "code_instead")

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the model did what it did.

        Whether the change was aimed at it, mechanisms, and what can be reached.
        """
        unpaired = [self.explanation] if self.pairing.kind == "unpaired" else []
        aimed = [self.adversarial.sentence] if self.adversarial is not None and self.adversarial.is_adversarial else []
        present = [mechanism for mechanism in self.mechanisms if mechanism.explains][: SETTINGS.reasons]
        sentences = [*(mechanism.sentence for mechanism in present), *without_harmless_control(present)]
        ceiling = [] if self.ceiling is None else [self.ceiling.sentence]
        return (*unpaired, *aimed, *sentences, *ceiling)

    @property
    def advice(self) -> str:
        """What to do now."""
        return advice_on(self.verdict)

    @property
    def code(self) -> str | None:
        """Python to paste: a function `undo` of images (n, h, w) or (n, h, w, c), or of labels.

        None where nothing can be undone.
        """
        shift = self.verdict.shift
        return None if shift is None or isinstance(shift, Identity) else shift.undo_code

    @property
    def code_instead(self) -> str | None:
        """Python to paste where there is no undo: see `what_now.code_instead`."""
        return None if self.code is not None else code_instead(self.verdict, self.candidates)

    @property
    def beside_framing(self) -> Shift | None:
        """What the verdict says of the pictures once they have one size."""
        shift = self.verdict.shift
        if self.framing is None or shift is None:
            return shift
        rest = shift.components[len(self.framing.components) :]
        return Compose(rest) if len(rest) > 1 else rest[0] if rest else Identity()

    @property
    def proof_in_words(self) -> str:
        """The model's accuracy, else agreement, on remade and restored images, and their number.

        Empty where neither could be made.
        """
        measured = self.accuracy or self.agreement
        sentence = "" if measured is None else str(measured)
        sample = sentence and self.images.remade < self._evaluated
        return f"{sentence} ({on_sample(self.images.remade, self._evaluated)})" if sample else sentence

    @property
    def sample_in_words(self) -> str:
        """On what sample the mechanisms were measured; empty where it was on all images."""
        some = self.images.mechanisms
        return on_sample(some, self._evaluated) if 0 < some < self._evaluated else ""

    @property
    def agreement_in_words(self) -> str:
        """How far the model answers as on the reference; empty where accuracy says more."""
        if self.agreement is None or self.evaluations:
            return ""
        return f"{percent(self.agreement.shifted, 2)} of the images are answered as their partners in the reference"

    @property
    def _evaluated(self) -> int:
        return max((evaluation.n for evaluation in self.evaluations), default=0)

    @property
    def _information(self) -> str:
        """What is left of the images; nothing is said where nothing happened."""
        known = self.verdict.information if self.verdict.family != "identity" else None
        return INFORMATION[known] if known else ""

    @property
    def _facts(self) -> dict[str, str]:
        facts = {  # what it costs comes first, then what it was measured on
            "accuracy": "\n".join(map(str, self.evaluations)),
            "agreement": self.agreement_in_words,
            "proof": self.proof_in_words,
            "images": pairing_in_words(self.pairing),
            "left out": f"{percent(self.left_out, 1)} of each picture, not compared" if self.left_out else "",
            "touched": first_of(self.verdict.touched or (), "images"),
            "information": self._information,
            "equivalent": ", ".join(self.verdict.equivalent),
        }
        return {name: text for name, text in facts.items() if text}

    def __str__(self) -> str:
        """For a terminal, at most 100 characters wide."""
        lines = wrapped(f"Verdict: {self.verdict}.")
        for name, text in self._facts.items():
            lines += fact(name, text)
        if self.reasons and self.sample_in_words:
            lines += wrapped(f"Why, measured {self.sample_in_words}:")
        for reason in self.reasons:
            lines += wrapped(f"- {reason}", 2)
        if self.candidates:
            lines.append("Tried, sorted by what each leaves unexplained:")
        lines += table_of(self.candidates)
        return "\n".join(lines + in_lines(self.advice, self.commands, self.code or self.code_instead))

    def __repr__(self) -> str:
        return repr(self.verdict).replace("Verdict", "Diagnosis", 1)

    def report(self, path: str | Path) -> Path:
        """Write its page, HTML with pictures.

        Raises `BadInput` where it can't be written, and for a diagnosis that was read from JSON, which has no pictures.
        """
        if self.display is None:
            raise BadInput(
                f"{path}: this diagnosis has no pictures with it. Diagnose both sets again: shiftassay.diagnose(…)."
            )
        return self.display.write_page(Path(path), self)

    def __getstate__(self) -> dict[str, Any]:
        """What another process gets: all but the display, which holds whole sets."""
        return {**vars(self), "display": None}

    def _repr_html_(self) -> str:
        verdict = self.verdict
        rows = [("verdict", in_short(verdict)), ("confidence", confidence_in_words(verdict.confidence))]
        if verdict.shift is not None:
            rows.append(("parameters", in_words(verdict, verdict.intervals)))
        rows += [(name, text.replace("\n", " ")) for name, text in self._facts.items() if name != "information"]
        pictures = "" if self.display is None else self.display.html(self)
        code = self.code or self.code_instead
        shown = "" if code is None or len(code.splitlines()) > LONGEST else preformatted(code)
        advice = paragraphs(f"What to do now: {self.advice}")
        return html_table((), rows) + pictures + paragraphs(self.explanation) + advice + shown

    def to_json(self) -> JsonObject:
        """Its fields in their order, after the schema's name.

        Framing and what was left out only where there is any.

        The time that it took stands under `environment`.
        """
        content = super().to_json()
        seconds = content.pop("seconds")
        if self.framing is None:
            del content["framing"]
        if not self.left_out:
            del content["left_out"]
        return {"schema": SCHEMA, **content, "environment": {"seconds": seconds}}

    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, content: Any) -> Any:
        if not isinstance(content, Mapping) or "environment" not in content:
            return content
        return {**content, "seconds": content["environment"].get("seconds", 0.0)}
