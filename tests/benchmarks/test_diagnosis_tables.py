"""Tables of the drawn benchmark: counts, intervals, and what is said of few cases."""

from dataclasses import replace

from benchmarks.diagnosis import tables
from benchmarks.diagnosis.drawn.outcome import Outcome

RIGHT = Outcome(
    case="paired-0/rotate",
    stratum="paired",
    index=0,
    truth="rotate",
    families=("rotate",),
    per_image=False,
    dataset="mnist",
    stored="float",
    images=100,
    shifted_images=100,
    strength=0.3,
    share=1.0,
    pairing="same_order",
    seconds=2.0,
    verdict="rotate",
    scope="shared",
    confidence=0.97,
    right=True,
    family=True,
    scope_right=True,
)
WRONG = replace(
    RIGHT, verdict="shear", right=False, family=False, scope_right=None, wrong=("family shear, not rotate",)
)


def test_shares_have_wilson_intervals_and_their_number() -> None:
    assert tables.share([True] * 90 + [False] * 10) == "90.0 [82.6, 94.5] of 100"
    assert tables.share([]) == "–"


def test_no_alarm_of_few_is_no_small_rate() -> None:
    """Exact: 1 − 0.025^(1/n)."""
    assert tables.at_most([False] * 64) == "at most 5.60%"
    assert tables.at_most([False] * 800) == "at most 0.46%"


def test_always_from_is_the_least_size_without_a_miss_above_it() -> None:
    cases = [replace(RIGHT, strength=0.5), replace(RIGHT, strength=0.2), replace(WRONG, strength=0.1), RIGHT]
    row = tables.by_family(cases).splitlines()[2]
    assert "| 0.20 (3) |" in row
    assert "| 0.100 (100) |" in row
    assert "75.0 [30.1, 95.4] of 4" in row


def test_every_wrong_case_is_listed_with_what_it_was_taken_for() -> None:
    outcomes = [RIGHT, WRONG, replace(RIGHT, right=False, scope_right=False, wrong=("scope",))]
    assert len(tables.wrong(outcomes).splitlines()) == 2 + 2
    assert "| `rotate` | `shear` | 1 |" in tables.confusion(outcomes)


def test_confidence_is_compared_with_the_share_that_is_right() -> None:
    table = tables.reliability([RIGHT, RIGHT, WRONG, replace(RIGHT, confidence=1.0)]).splitlines()
    assert table[2].startswith("| 0.95 to 0.99 | 3 | 97.0% | 66.7 [")
    assert table[3].startswith("| 0.99 to 1.00 | 1 | 100.0% | 100.0 [")
