"""The judge passes what is right and names what is wrong, on diagnoses written by hand."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from benchmarks.diagnosis.build import Built, build
from benchmarks.diagnosis.case import Case
from benchmarks.diagnosis.collection import every_case
from benchmarks.diagnosis.judge import Judgement, judge

CASES = [case for case in every_case().values() if case.dataset == "mnist" and not case.instead]


def true_diagnosis(case: Case, built: Built) -> dict[str, Any]:
    """What a perfect diagnosis says."""
    answer = built.answers[0]
    return {
        "pairing": {"kind": case.pairing or "unpaired"},
        "verdict": {
            "family": answer.family,
            "parameters": _summarized(dict(answer.parameters or {})),
            "scope": answer.scope,
            "share": 1.0 if case.pairing == "unpaired" else built.share,
            "information": case.information,
            "confidence": 0.9,
            "equivalent": [],
        },
    }


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.name)
def test_the_truth_is_right(case: Case) -> None:
    built = build(case, 20)
    judgement = judge(true_diagnosis(case, built), case, built)
    assert judgement.wrong == ()
    assert judgement.family
    assert judgement.right


@pytest.mark.parametrize("case", [c for c in CASES if c.family not in ("unknown",)][::5], ids=lambda case: case.name)
def test_another_family_is_wrong(case: Case) -> None:
    built = build(case, 20)
    diagnosis = true_diagnosis(case, built)
    diagnosis["verdict"]["family"] = "stripe" if case.family != "stripe" else "rotate"
    judgement = judge(diagnosis, case, built)
    assert not judgement.family
    assert judgement.parameters is None


@pytest.mark.parametrize(
    ("start", "change", "judged"),
    [
        ("geometry/rotate:angle=15", {"angle": 15.9}, True),
        ("geometry/rotate:angle=15", {"angle": 375.0}, True),
        ("geometry/rotate:angle=15", {"angle": 16.2}, False),
        ("geometry/rotate:angle=15", {"angle": -15.0}, False),
        ("geometry/rotate:angle=-15|15", {"angle": {"mean": 0.0, "sd": 15.0, "low": -15.0, "high": 15.0}}, False),
        ("geometry/rotate:angle=-30..30", {"angle": {"mean": 0.3, "sd": 17.0, "low": -30.0, "high": 30.0}}, True),
        ("geometry/rotate:angle=-30..30", {"angle": {"mean": 9.0, "sd": 17.0, "low": -30.0, "high": 30.0}}, False),
        ("blur/motion_blur:length=9,angle=45/scipy", {"angle": 224.5}, True),
        ("intensity/gain:factor=0.6/float", {"factor": 0.62}, True),
        ("intensity/gain:factor=0.6/float", {"factor": 0.65}, False),
        ("overlay/stripe", {"columns": [12, 13, 14]}, False),
        ("noise/fixed_pattern:sd=0.15/float", {"pattern": [0.0] * 784}, False),
        ("rearrangement/row_permutation", {"permutation": list(range(28))}, False),
        ("rearrangement/phase_scramble", {"phases": [0.0] * 420}, False),
        ("geometry/elastic:amplitude=1.5", {"field": [0.0] * 1568}, False),
    ],
)
def test_parameters_are_right_within_their_tolerance(start: str, change: dict[str, Any], judged: bool) -> None:
    judgement = _judged(start, change)
    assert judgement.parameters is judged


def test_permutations_of_places_that_look_alike_are_equal() -> None:
    case = next(c for c in CASES if c.name.startswith("rearrangement/pixel_permutation"))
    built = build(case, 20)
    permutation = np.array((built.answers[0].parameters or {})["permutation"])
    flat = built.reference.reshape(20, -1)
    dark = np.flatnonzero(flat[:, permutation].max(0) == 0)
    swapped = permutation.copy()
    swapped[dark] = permutation[dark[::-1]]
    diagnosis = true_diagnosis(case, built)
    diagnosis["verdict"]["parameters"]["permutation"] = swapped.tolist()
    assert judge(diagnosis, case, built).parameters
    diagnosis["verdict"]["parameters"]["unidentified"] = list(range(700))
    assert not judge(diagnosis, case, built).parameters


@pytest.mark.parametrize(("start", "ordered"), [("rotate:angle=15", True), ("invert", False)])
def test_parts_that_commute_on_these_images_are_right_in_either_order(start: str, ordered: bool) -> None:
    second = "gain" if ordered else "rotate"
    case = next(c for c in CASES if c.name.startswith(f"compose/{start}") and c.stratum.endswith(f"+{second}"))
    built = build(case, 20)
    diagnosis = true_diagnosis(case, built)
    diagnosis["verdict"]["parameters"]["parts"].reverse()
    judgement = judge(diagnosis, case, replace(built, answers=built.answers[:1]))
    assert judgement.family
    assert judgement.order is ordered


def test_a_place_that_is_listed_is_not_wrong_but_those_the_images_tell_are_missed() -> None:
    case = next(c for c in CASES if c.name.startswith("rearrangement/row_permutation") and c.pairing == "same_order")
    built = build(case, 200)
    diagnosis = true_diagnosis(case, built)
    parameters = diagnosis["verdict"]["parameters"]
    dark = np.flatnonzero(np.ptp(built.reference, axis=(0, 2))[parameters["permutation"]] == 0)
    parameters["unidentified"] = dark.tolist()
    parameters["permutation"] = np.array(parameters["permutation"])
    parameters["permutation"][dark] = parameters["permutation"][np.roll(dark, 1)]
    assert judge(diagnosis, case, built).parameters
    parameters["unidentified"] = list(range(28))
    assert not judge(diagnosis, case, built).parameters


def test_scope_pairing_share_and_information_are_judged() -> None:
    case = next(c for c in CASES if c.share < 1)
    built = build(case, 20)
    diagnosis = true_diagnosis(case, built)
    diagnosis["verdict"] |= {"scope": "nothing", "share": 1.0}
    diagnosis["pairing"]["kind"] = "unpaired"
    judgement = judge(diagnosis, case, built)
    assert (judgement.scope, judgement.share, judgement.pairing) == (False, False, False)
    assert not judgement.right


def _judged(start: str, change: dict[str, Any]) -> Judgement:
    case = next(c for c in CASES if c.name.startswith(start))
    built = build(case, 20)
    diagnosis = copy.deepcopy(true_diagnosis(case, built))
    diagnosis["verdict"]["parameters"] |= change
    return judge(diagnosis, case, built)


def _summarized(parameters: dict[str, Any]) -> dict[str, Any]:
    """As a diagnosis reports them: draws as a summary, with their values where they are few."""
    out: dict[str, Any] = {}
    for name, value in parameters.items():
        if name == "parts":
            out[name] = [{**part, "parameters": _summarized(part["parameters"])} for part in value]
        elif isinstance(value, dict) and "values" in value:
            shares = [{"value": v, "share": 1 / len(value["values"])} for v in value["values"]]
            out[name] = {"mean": None, "sd": None, "low": None, "high": None, "values": shares}
        elif isinstance(value, dict):
            low, high = value["low"], value["high"]
            out[name] = {"mean": (low + high) / 2, "sd": (high - low) / 12**0.5, "low": low, "high": high}
        else:
            out[name] = value.tolist() if isinstance(value, np.ndarray) else value
    return out
