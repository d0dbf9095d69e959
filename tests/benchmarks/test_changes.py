"""What is said of listed cases whose verdict changed since an earlier version."""

import json

import pytest
from benchmarks.diagnosis.changes import BEFORE, Change, changes
from benchmarks.tables import RESULTS


@pytest.fixture(scope="module")
def changed():
    before, now = (json.loads((RESULTS / f"{name}.json").read_text()) for name in (BEFORE, "diagnosis-listed"))
    return changes(before, now)


def test_every_verdict_that_changed_has_a_reason(changed):
    assert [change.case for change in changed if change.reason is None] == []


def test_more_verdicts_became_right_than_wrong(changed):
    kinds = [change.kind for change in changed]
    assert kinds.count("better") > kinds.count("worse")


def test_better_and_worse_are_of_all_that_is_judged():
    right, wrong = ("rotate", ""), ("rotate", "angle: 14, not 15")
    assert [Change("", *both).kind for both in ((wrong, right), (right, wrong), (right, right))] == [
        "better",
        "worse",
        "other",
    ]
