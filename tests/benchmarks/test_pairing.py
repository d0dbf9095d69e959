"""A small part of the simulation of pairing, with a development seed, and what the stored result claims."""

import json
from pathlib import Path

import pytest
from benchmarks.pairing import SHIFTS, foreign, partly_shared, related, right
from benchmarks.pairing_material import MATERIALS

from shiftassay.diagnosis.pairing.pair import pair

RESULT = Path(__file__).parents[2] / "docs" / "results" / "pairing.json"
SMALL = 150_000  # comparisons


@pytest.mark.torture
def test_no_foreign_set_of_any_kind_is_paired() -> None:
    cases = [case for i in range(6 * len(MATERIALS)) if (case := foreign(7, i)).sizes[0] * case.sizes[1] < SMALL]
    assert len({case.material for case in cases}) == len(MATERIALS)
    wrong = [case for case in cases if pair(case.reference, case.shifted).kind != "unpaired"]
    assert [(case.material, case.sizes, case.shift) for case in wrong] == []


@pytest.mark.parametrize("i", range(8))
def test_shared_images_are_counted_and_pair_no_others(i: int) -> None:
    case = partly_shared(7, i)
    assert right(case, pair(case.reference, case.shifted))


@pytest.mark.parametrize("kind", range(4))
def test_related_sets_are_paired_with_the_right_partners(kind: int) -> None:
    cases = [related(7, kind * len(SHIFTS) + i) for i in range(len(SHIFTS))]
    found = [pair(case.reference, case.shifted) for case in cases]
    paired = [f.kind != "unpaired" for f in found]
    good = [right(case, f) for case, f in zip(cases, found, strict=True)]
    assert sum(good) >= (18, 13, 8, 20)[kind]
    assert sum(paired) - sum(good) <= 2


def test_the_stored_result_keeps_its_word() -> None:
    stored = json.loads(RESULT.read_text())
    results = stored["results"]
    assert stored["seed"] not in (*range(100), 1301)  # those were looked at when thresholds were set
    assert results["foreign"]["all"]["n"] >= 3000
    assert results["foreign"]["all"]["false_rate_at_most"] <= 0.001
