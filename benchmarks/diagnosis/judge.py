"""Whether a diagnosis is right about a case: family, scope, parameters, pairing, share, information."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from benchmarks.diagnosis.build import ROUNDING, Built, with_channels
from benchmarks.diagnosis.case import ANY, Answer, Case
from benchmarks.diagnosis.parameters import compared

from shiftassay.errors import BadInput
from shiftassay.records import plain
from shiftassay.shifts.catalog import from_json
from shiftassay.shifts.estimation.pairs import in_bytes
from shiftassay.shifts.family import FAMILIES

SHARE = 0.05  # by which the share of shifted images may be off
SAME = 0.1  # rms of the change, up to which two descriptions are one
COMMUTING = 200  # images on which parts are made in either order
AS_GOOD = 1.25  # times what the true family leaves, made by the catalogue


@dataclass(frozen=True)
class Judgement:
    """What is right; None where there is nothing to judge (the parameters of a wrong family, an unknown's scope)."""

    family: bool
    scope: bool | None
    parameters: bool | None
    pairing: bool | None
    share: bool | None
    information: bool | None
    order: bool | None
    """Of a composition's parts."""
    listed: bool
    """Whether a right family stands among the verdict's equivalents instead."""
    confidence: float
    wrong: tuple[str, ...]
    """What is off, in words."""

    @property
    def right(self) -> bool:
        """Family and scope: what confidence is the probability of."""
        return self.family and self.scope is not False

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "right": self.right, "wrong": list(self.wrong)}


def judge(diagnosis: Mapping[str, Any], case: Case, built: Built) -> Judgement:
    """Compare the JSON of a diagnosis with the best of the case's right answers."""
    verdict = diagnosis["verdict"]
    judged = [_against(verdict, answer, case, built) for answer in built.answers]
    best = max(
        judged,
        key=lambda j: (j["family"], j["order"] is not False, j["scope"] is not False, j["parameters"] is not False),
    )
    wrong = list(best.pop("wrong"))
    pairing = None if case.pairing is None else diagnosis["pairing"]["kind"] == case.pairing
    share = None
    group = case.group.removeprefix("fashion-")
    named = best["family"] and not case.instead and case.family != "unknown"
    if named and len(case.parts) == 1 and group not in ("sample", "null"):
        reported = verdict.get("share")
        touched = case.share if case.pairing == "unpaired" else built.share
        share = abs((1.0 if reported is None else reported) - touched) <= SHARE
        if not share:
            wrong.append(f"share {reported}, not {touched:.3g}")
    if pairing is False:
        wrong.append(f"pairing {diagnosis['pairing']['kind']}, not {case.pairing}")
    information = None
    if named and case.share == 1 and group != "null":
        information = verdict.get("information") == case.information
        if not information:
            wrong.append(f"information {verdict.get('information')}, not {case.information}")
    equivalents = {_family_of(e) for e in verdict.get("equivalent") or []}
    return Judgement(
        **best,
        pairing=pairing,
        share=share,
        information=information,
        listed=not best["family"] and any(answer.family in equivalents for answer in built.answers),
        confidence=float(verdict["confidence"]),
        wrong=tuple(wrong),
    )


def _against(verdict: Mapping[str, Any], answer: Answer, case: Case, built: Built) -> dict[str, Any]:
    result: dict[str, Any] = {
        "family": verdict["family"] == answer.family,
        "scope": None,
        "parameters": None,
        "order": None,
    }
    if not result["family"]:
        if case.drawn and case.left_out and makes_the_same(verdict, built):
            return {**result, "family": True, "wrong": []}
        return {**result, "wrong": [f"family {verdict['family']}, not {answer.family}"]}
    if answer.family == "compose" and answer.parameters is not None:
        return _parts(verdict["parameters"]["parts"], answer.parameters["parts"], built)
    if answer.family == "compose" and case.left_out:
        named = {a.family for a in built.answers}
        foreign = [
            p["family"] for p in verdict["parameters"]["parts"] if p["family"] not in named and not _akin(p, case)
        ]
        return {**result, "family": not foreign, "wrong": [f"a composition with {family}" for family in foreign]}
    if answer.family == "unknown":
        return {**result, "wrong": []}
    wrong = []
    result["scope"] = None if answer.scope == ANY else verdict.get("scope") == answer.scope
    if result["scope"] is False:
        wrong.append(f"scope {verdict.get('scope')}, not {answer.scope}")
    if answer.parameters is not None:
        off = compared(
            answer.family, verdict.get("parameters") or {}, answer.parameters, built, case.pairing == "unpaired"
        )
        result["parameters"] = not off
        wrong += off
    return {**result, "wrong": wrong}


def _parts(reported: list[Mapping[str, Any]], truth: list[Mapping[str, Any]], built: Built) -> dict[str, Any]:
    """The same families, in whatever order; then their order, scopes and parameters, each with its namesake.

    Parts that commute on these images are right in either order.
    """
    families, wanted = [part["family"] for part in reported], [part["family"] for part in truth]
    if sorted(families) != sorted(wanted):
        wrong = [f"parts {' + '.join(families)}, not {' + '.join(wanted)}"]
        return {"family": False, "scope": None, "parameters": None, "order": None, "wrong": wrong}
    ordered = families == wanted or _commute(truth, families, built)
    wrong = [] if ordered else [f"order {' + '.join(families)}, not {' + '.join(wanted)}"]
    scopes, off = True, []
    left = list(reported)
    for part in truth:
        match = next(p for p in left if p["family"] == part["family"])
        left.remove(match)
        if match.get("scope") != part["scope"]:
            scopes = False
            wrong.append(f"{part['family']}: scope {match.get('scope')}, not {part['scope']}")
        off += [
            f"{part['family']}: {o}" for o in compared(part["family"], match["parameters"], part["parameters"], built)
        ]
    return {"family": True, "scope": scopes, "parameters": not off, "order": ordered, "wrong": wrong + off}


def _commute(truth: Sequence[Mapping[str, Any]], families: Sequence[str], built: Built) -> bool:
    """Whether the true parts, made by the catalogue in the order of these families, make the same images."""
    images = with_channels(built.reference)[:COMMUTING]
    left, order = list(enumerate(truth)), []
    for family in families:
        match = next(part for part in left if part[1]["family"] == family)
        left.remove(match)
        order.append(match)
    try:
        one, other = (_made(parts, images) for parts in (list(enumerate(truth)), order))
    except BadInput:
        return False  # of labels, or of other sizes
    return one.shape == other.shape and float(np.abs(one - other).max()) <= ROUNDING


def _made(parts: Sequence[tuple[int, Mapping[str, Any]]], images: np.ndarray) -> np.ndarray:
    """Images under these parts; a part's number seeds what it draws."""
    for number, part in parts:
        shift = from_json(plain(part))
        if shift.group == "sample":
            raise BadInput(f"{shift.family} changes no picture.")
        shift = shift.realize(images.shape[1:], np.random.default_rng(number))
        images = shift.apply(images, np.random.default_rng(number))
    return images


def makes_the_same(verdict: Mapping[str, Any], built: Built) -> bool:
    """Whether a shift without randomness makes the shifted images as well as the true family does here."""
    if not verdict.get("shift"):
        return False
    images, shifted = with_channels(built.reference), with_channels(built.shifted)
    shift = from_json(verdict["shift"])
    one, other = (shift.apply(images, np.random.default_rng(seed)) for seed in range(2))
    if not np.array_equal(one, other):
        return False
    true = from_json(plain(built.truth[0])).apply(images, np.random.default_rng(0))
    if in_bytes(shifted):
        one, true = (np.rint(255 * made) / 255 for made in (one, true))
    left, own, change = (float(np.sqrt(np.mean((x - shifted) ** 2))) for x in (one, true, images))
    return left <= max(SAME * change, AS_GOOD * own)


def _akin(part: Mapping[str, Any], case: Case) -> bool:
    return FAMILIES[part["family"]].group == case.parts[0].group


def _family_of(equivalent: Any) -> str:
    return equivalent["family"] if isinstance(equivalent, Mapping) else str(equivalent)
