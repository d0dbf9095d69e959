"""One case of the calibration: its candidates, and which of them are right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from benchmarks.diagnosis.build import Built, build_drawn, with_channels
from benchmarks.diagnosis.case import Case
from benchmarks.diagnosis.diagnosed import without
from benchmarks.diagnosis.drawn.cases import drawn_case
from benchmarks.diagnosis.judge import judge

from shiftassay.diagnosis.evidence import Evidence
from shiftassay.diagnosis.identify import identify, searched_families
from shiftassay.diagnosis.paired.candidate import Candidate
from shiftassay.diagnosis.paired.complexity import complexity_features
from shiftassay.diagnosis.paired.search import search
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.pairing.pair import pair
from shiftassay.diagnosis.summary import summarized
from shiftassay.diagnosis.unpaired.candidates import estimate_unpaired
from shiftassay.diagnosis.unpaired.verdict import unpaired_evidence
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.shifts.compose import in_normal_form
from shiftassay.shifts.family import Shift


@dataclass(frozen=True)
class Row(Record):
    """A candidate: the logarithm of its misfit and tolerance, what penalties multiply, and whether it is right."""

    log_misfit: float
    features: Mapping[str, float]
    right: bool


@dataclass(frozen=True)
class CalibrationCase(Record):
    """A drawn case, the evidence for its best candidate, and what is right."""

    case: str
    evidence: Evidence
    fits: bool
    right: bool
    """Whether the best candidate is."""
    unknown: bool
    """Whether `unknown` is right."""
    rows: tuple[Row, ...]
    """The candidates that fit."""

    def shown(self) -> dict[str, Any]:
        """What calibration.json keeps of it."""
        return {
            "case": self.case,
            **self.evidence.features(),
            "pairing": self.evidence.pairing,
            "fits": self.fits,
            "right": self.right,
            "unknown": self.unknown,
        }


UNPAIRED_UNKNOWN = "unpaired unknown"  # a stratum of the calibration alone
FEWEST_UNPAIRED = 200  # images


class _Recorder:
    """A search that keeps its candidates."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []

    def __call__(self, task: Task, is_attack: Callable[[], bool]) -> list[Candidate]:
        self.candidates = search(task, is_attack)
        return self.candidates


def calibration_case(seed: int, stratum: str, index: int) -> CalibrationCase | None:
    """Make a case and look for its shift; None where no search decides: pairs are not found, or labels changed."""
    case = _case(seed, stratum, index)
    by_labels = case.pairing != "unpaired" and any(part.group == "sample" for part in case.parts)
    if by_labels or case.arrays or case.model:
        return None
    built = build_drawn(case)
    reference = ImageSet(with_channels(built.reference), built.labels, "reference")
    shifted = ImageSet(with_channels(built.shifted), built.shifted_labels, "shifted")
    of_case = seed_for(seed, stratum, index) % 2**31
    with without(case.left_out):
        pairing = pair(reference, shifted, of_case)
        if (pairing.order is None) != (case.pairing == "unpaired"):
            return None
        if pairing.order is None:
            return _unpaired(case, built, reference, shifted, of_case)
        recorder = _Recorder()
        evidence = identify(reference, shifted, pairing, seed=of_case, find=recorder).verdict.evidence
    if evidence is None or not recorder.candidates:
        return None
    fitting = [c for c in recorder.candidates if c.limit is not None and c.fits]
    rows = [
        Row(
            float(np.log(c.misfit + c.task.tolerance)) + sum(part.extra_penalty for part in c.shift.components),
            {**complexity_features(c.shift), "noise": c.remake.noise_fraction, "unpaired": 0.0},
            _is_right(c.shift, case, built),
        )
        for c in fitting
    ]
    best = recorder.candidates[0]
    return _calibration_case(case, built, evidence, best.limit is not None and best.fits, best.shift, rows)


def _case(seed: int, stratum: str, index: int) -> Case:
    """A drawn case; of what is in no catalogue also on sets without partners, which the benchmark does not have."""
    if stratum != UNPAIRED_UNKNOWN:
        return drawn_case(seed, stratum, index)
    for later in count(index, 10_000):
        case = drawn_case(seed, "unknown", later)
        if case.drawn is not None and case.drawn.images >= FEWEST_UNPAIRED:
            return replace(case, pairing="unpaired")
    raise AssertionError("count does not end")


def _unpaired(case: Case, built: Built, reference: ImageSet, shifted: ImageSet, seed: int) -> CalibrationCase | None:
    candidates = estimate_unpaired(reference, shifted, [*searched_families(), "class_prior"], seed)
    verdict = unpaired_evidence(reference, shifted, candidates)
    rows = [
        Row(
            sum(part.extra_penalty for part in c.shift.components),
            {
                **complexity_features(c.shift),
                "noise": 0.0,
                "unpaired": float(np.log(max(c.misfit / c.by_chance, 1.0))),
            },
            _is_right(c.shift, case, built),
        )
        for c in candidates
    ]
    best = candidates[0]
    return _calibration_case(case, built, verdict, best.fit is not None and best.fit.fits, best.shift, rows)


def _calibration_case(
    case: Case, built: Built, evidence: Evidence, fits: bool, best: Shift, rows: Sequence[Row]
) -> CalibrationCase:
    return CalibrationCase(
        case=case.name,
        evidence=evidence,
        fits=fits,
        right=_is_right(best, case, built),
        unknown=any(answer.family == "unknown" for answer in built.answers),
        rows=tuple(rows),
    )


def _is_right(shift: Shift, case: Case, built: Built) -> bool:
    """Whether a verdict of this shift would be right, on family and scope."""
    summary = summarized(in_normal_form(shift)).to_json()
    kind = {None: "same_order"}.get(case.pairing, case.pairing)
    return judge({"verdict": {**summary, "confidence": 1.0}, "pairing": {"kind": kind}}, case, built).right
