"""Drawn cases: the same from the same seed, within their ranges, of every family; test seeds are used once."""

import json
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.diagnosis import kept
from benchmarks.diagnosis.build import Built, build_drawn, with_channels
from benchmarks.diagnosis.case import Answer, Case
from benchmarks.diagnosis.drawn import cases as strata
from benchmarks.diagnosis.drawn import command, compositions, log
from benchmarks.diagnosis.drawn import run as drawn_run
from benchmarks.diagnosis.drawn.cases import COUNTS, SMALL, VISIBLE, drawn_case, drawn_cases
from benchmarks.diagnosis.drawn.outcome import Outcome
from benchmarks.diagnosis.drawn.ranges import IMAGES, RANGES, SHARE, UNKNOWN, UNPAIRED_IMAGES
from benchmarks.diagnosis.drawn.singles import SINGLES
from benchmarks.diagnosis.drawn.strangers import STRANGERS

from shiftassay.diagnosis.identify import searched_families
from shiftassay.errors import BadInput
from shiftassay.records import plain
from shiftassay.shifts.catalog import attacks, from_json

A_FEW = {"paired": 62, "compositions": 20, "triples": 6, "unpaired": 20, "unknown": 31, "left_out": 12, "small": 20}


@pytest.mark.parametrize("stratum", COUNTS)
def test_a_case_is_the_same_wherever_it_is_asked_for(stratum: str) -> None:
    one = drawn_case(3, stratum, 4)
    drawn_case.cache_clear()
    other = drawn_cases(3, {stratum: 5})[4]
    assert one is not other
    assert one.name == other.name
    small = replace(one, drawn=replace(one.drawn, images=240)) if one.drawn else one
    first, second = build_drawn(small), build_drawn(small)
    assert np.array_equal(first.shifted, second.shifted)
    assert drawn_case(4, stratum, 4).name != one.name


def test_numbers_stay_within_their_ranges_and_changes_are_seen() -> None:
    for case in drawn_cases(11, A_FEW):
        assert case.drawn is not None
        low = UNPAIRED_IMAGES.low if case.pairing == "unpaired" else IMAGES.low
        assert low <= case.drawn.images <= IMAGES.high
        assert case.share == 1 or SHARE.holds(case.share)
        for part in case.parts:
            for name, allowed in RANGES.get(part.family, {}).items():
                if name in part.parameters and part.family not in (
                    "channel_rescale",
                    "rescale",
                    "motion_blur",
                    "stripe",
                ):  # their numbers are of other things
                    assert all(_in(allowed, value) for value in _numbers(part.parameters[name])), part.name
    assert all(case.drawn and case.drawn.images == SMALL for case in drawn_cases(11, {"small": 8}))


@pytest.mark.parametrize("case", drawn_cases(12, {"paired": 20, "small": 10}), ids=lambda case: case.name)
def test_the_strength_is_measured(case: Case) -> None:
    small = replace(case, drawn=replace(case.drawn, images=150)) if case.drawn else case
    built = build_drawn(small)
    if case.group == "sample":
        assert not built.strength
        return
    assert built.strength is not None
    assert built.strength >= 0.5 * VISIBLE  # drawn on other images
    assert built.share > 0


def test_the_catalogue_makes_the_same_images_by_every_right_answer() -> None:
    """Conventions are the catalogue's; another kernel, another centre make another picture, but a near one."""
    tried = 0
    for case in drawn_cases(21, {"paired": 62, "compositions": 25}):
        plain_order = case.pairing == "same_order" and case.share == 1
        if case.drawn and plain_order and all(part.scope == "shared" for part in case.parts):
            built = build_drawn(replace(case, drawn=replace(case.drawn, images=40)))
            loose = any(word in case.name for word in ("nearest", "cubic", "half", "resize"))
            moved = compositions.rms(built.shifted - built.reference)
            for answer in built.answers:
                left = compositions.rms(_made(answer, built) - built.shifted)
                assert left <= (0.5 if loose else 0.25) * moved, case.name
                tried += 1
    assert tried > 40


def test_every_family_has_cases() -> None:
    drawn = {case.family for case in drawn_cases(5, {"paired": len(SINGLES)})}
    assert drawn == set(SINGLES)
    assert {f for f in searched_families() if f != "identity"} | set(attacks()) <= drawn


def test_every_unknown_has_a_range_and_a_turn() -> None:
    assert set(UNKNOWN) == set(STRANGERS)
    ways = Counter(case.parts[0].way.split("-")[0] for case in drawn_cases(6, {"unknown": len(STRANGERS)}))
    assert set(ways) == set(STRANGERS)


def test_parts_of_a_composition_all_show_and_equal_orders_are_right() -> None:
    rng = np.random.default_rng(0)
    for case in drawn_cases(7, {"compositions": 12}):
        images, labels = strata._some(case.dataset, rng)
        assert compositions.shows(case, images, labels, 1) or case.parts[0].group == "sample"
    moves = {"rotate", "translate", "scale", "shear"}
    pairs = [(case, {part.family for part in case.parts}) for case in drawn_cases(7, {"compositions": 80})]
    darker = [case for case, two in pairs if "gain" in two and two & moves]
    darker = [case for case in darker if not any("clip" in part.parameters for part in case.parts)]
    assert darker
    for case in darker:
        orders = {tuple(p["family"] for p in (a.parameters or {})["parts"]) for a in build_drawn(case).answers}
        assert len(orders) == 2  # a darker picture moves like any other


def test_drifted_nulls_are_right_by_their_labels() -> None:
    drifted = [case for case in drawn_cases(8, {"null": 30}) if case.by_labels]
    answers = {tuple(answer.family for answer in build_drawn(case).answers) for case in drifted}
    assert answers == {("class_prior",), ("identity", "class_prior")}
    assert not any(drawn_run._alarm(case, "class_prior") for case in drifted)
    assert all(drawn_run._alarm(case, "gain") for case in drifted)


def test_outcomes_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    verdict = {"family": "identity", "scope": None, "parameters": {}, "confidence": 0.7, "evidence": {"excess": 0.4}}
    said: dict[str, Any] = {"verdict": verdict, "pairing": {"kind": "same_order"}, "candidates": []}
    monkeypatch.setattr(drawn_run, "diagnosed", lambda case, built, seed: said)
    case = next(c for c in drawn_cases(1, {"null": 80}) if c.variant == "png" and c.drawn and c.drawn.images < 2000)
    first = drawn_run.run([case])
    assert (first[0].right, first[0].alarm, first[0].evidence) == (True, False, {"excess": 0.4})
    monkeypatch.delattr(drawn_run, "diagnosed")
    assert drawn_run.run([case]) == first
    assert Outcome.from_json(first[0].to_json()) == first[0]
    written = json.loads(command._text({"seed": 1}, first))["outcomes"]
    assert [Outcome.from_json(row) for row in written] == first


def test_a_test_seed_is_used_once_on_a_clean_tree(tmp_path: Path) -> None:
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "file").write_text("1")
    with pytest.raises(BadInput, match="differ from the last commit: file"):
        log.used(1000, "run", tmp_path)
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    use = log.used(1000, "run", tmp_path)
    assert log.uses(tmp_path) == [use]
    assert log.used(1000, "run", tmp_path) == use  # goes on
    with pytest.raises(BadInput, match="used once"):
        log.used(1000, "another run", tmp_path)
    (tmp_path / "file").write_text("2")
    with pytest.raises(BadInput, match="differ from the last commit"):
        log.used(1001, "run", tmp_path)
    subprocess.run([*git, "commit", "-qam", "second"], check=True)
    with pytest.raises(BadInput, match="used once"):
        log.used(1000, "run", tmp_path)
    log.used(1001, "run", tmp_path)
    assert [use.seed for use in log.uses(tmp_path)] == [1000, 1001]
    with pytest.raises(ValueError, match="development"):
        log.used(999, "run", tmp_path)


def _made(answer: Answer, built: Built) -> np.ndarray:
    """By the catalogue."""
    shift = from_json(
        plain({"family": answer.family, "parameters": dict(answer.parameters or {}), "scope": answer.scope})
    )
    images = with_channels(built.reference).astype(np.float32)
    return shift.apply(images, np.random.default_rng(1)).reshape(built.shifted.shape)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = value.get("values") or [value["low"], value["high"]]
    return [abs(float(v)) for v in np.ravel(value)]


def _in(allowed: Any, size: float) -> bool:
    """The size, or one over it (of exponents), whole after rounding."""
    return any(
        allowed.low - 0.5 * (allowed.whole or allowed.high > 20) <= s <= allowed.high + 0.5
        for s in (size, 1 / max(size, 1e-9))
    )
