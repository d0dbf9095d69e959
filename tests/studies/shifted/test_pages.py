"""Pages and contrasts say what was measured: change the numbers, and the argument changes."""

import copy

import pytest

from shiftassay.evaluation.evaluate import Comparison, Evaluation
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.studies.shifted import contrast_page, pages
from shiftassay.studies.shifted.alternatives import alternatives
from shiftassay.studies.shifted.answers import answer, finding

FOUND = {
    "pictures": {"clean": [0.0, 1.0], "t": [0.0, 1.0]},
    "images": 1000,
    "set": 10_000,
    "text": "rotate (angle = 25)",
    "shift": {"family": "rotate", "parameters": {"angle": 25.0}, "scope": "shared"},
    "reaches": {"images": 1000, "accuracy": 0.8, "remade": 0.805},
    "change": {"linf": [0.9, 1, 1], "l2": [6, 7, 8], "touched": 1.0, "same_values": 0.0, "labels_alike": 1.0},
    "controls": {
        "shuffled": {
            "accuracy": {"estimate": 0.9, "low": 0.88, "high": 0.92},
            "minus_control": {"estimate": -0.1, "low": -0.12, "high": -0.08},
            "p_value": 1e-9,
        },
        "transplanted": {
            "accuracy": {"estimate": 0.8, "low": 0.78, "high": 0.82},
            "minus_control": {"estimate": 0.0, "low": -0.02, "high": 0.02},
            "p_value": 1.0,
        },
    },
    "diagnosis": {
        "verdict": {
            "family": "rotate",
            "parameters": {"angle": 25.0},
            "intervals": {"angle": [24.9, 25.1]},
            "level": 0.95,
            "scope": "shared",
            "share": 1.0,
            "information": "reduced",
            "confidence": 0.99,
            "equivalent": [],
        },
        "candidates": [
            {"family": "rotate", "parameters": {"angle": 25.0}, "scope": "shared", "misfit": 0.02, "limit": 0.06},
            {"family": "shear", "parameters": {}, "scope": "shared", "misfit": 0.4, "limit": 0.06},
        ],
        "accuracy": {"reference": 0.97, "shifted": 0.8, "reproduced": 0.8, "restored_blind": 0.96, "restored_with_partner": 0.96},
        "proof": [{"check": "same mistakes", "value": 0.99, "null": 1.0, "passed": True}],
        "pairing": {"kind": "same_order"},
        "mechanisms": [{"name": "network_merges", "present": True, "sentence": "Features run together.", "numbers": {}}],
        "adversarial": None,
        "notes": [],
    },
}  # fmt: skip
REPAIR = {
    "outcome": "nothing_to_repair",
    "recommended": None,
    "sentence": "Nothing was tried.",
    "attempts": [],
    "skipped": {},
    "clean": {"estimate": 0.97, "low": 0.96, "high": 0.98},
    "halves": [{"verdict": FOUND["diagnosis"]["verdict"]}] * 2,
    "notes": [],
}


def evaluation(difference=(-0.17, -0.18, -0.16), p_value=1e-12, equivalence_p=1.0) -> Evaluation:
    change = Comparison("clean", Interval(*difference), True, 10, 1710, p_value, equivalence_p, 0.005)
    return Evaluation("t", 10_000, 8000, wilson(8000, 10_000), (), (), 0.9, 0.1, change)


def page_of(found, **changes):
    return pages.page("t", "made", [evaluation(**changes)], found, REPAIR)


@pytest.fixture
def found():
    return copy.deepcopy(FOUND)


def test_a_sound_page_claims_weighs_and_limits(found):
    page = page_of(found)
    text = " ".join(page.sentences)
    assert page.title == "t: rotate, accuracy is lost"
    assert "t is clean under rotate (angle = 25)" in text
    assert "leaves 2.0% of the change unexplained" in text
    assert "Not ruled out: the same changes do as much harm to other images." in text
    assert "1,000 of its 10,000 images" in text
    assert "evidence is thin" not in text


def test_a_rival_that_explains_as_much_is_not_ruled_out(found):
    found["diagnosis"]["candidates"][1]["misfit"] = 0.025
    rival = next(a for a in alternatives([evaluation()], found, REPAIR) if a.explanation == "It is shear")
    assert not rival.ruled_out
    assert "it is shear" in " ".join(page_of(found).sentences)


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("verdict", "confidence"), 0.6, "only 0.60"),
        (("proof",), [{"check": "same mistakes", "value": 0.7, "null": 1.0, "passed": False}], "same mistakes (70%"),
        (("pairing", "kind"), "unpaired", "no partners in clean"),
        (("verdict", "equivalent"), ["affine"], "affine would explain it as well"),
    ],
)
def test_thin_evidence_is_said_to_be_thin(found, where, value, said):
    place = found["diagnosis"]
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    text = " ".join(page_of(found).sentences)
    assert "The evidence is thin: " in text
    assert said in text


def test_halves_that_disagree_make_the_verdict_doubtful(found):
    halves = [{"verdict": {**FOUND["diagnosis"]["verdict"], "family": family}} for family in ("rotate", "shear")]
    text = " ".join(pages.page("t", "made", [evaluation()], found, {**REPAIR, "halves": halves}).sentences)
    assert "The evidence is thin: each half by itself: rotate and shear" in text


def test_the_parts_of_a_composition_alone_are_rivals(found):
    part = found["diagnosis"]["candidates"][0]
    both = {"family": "compose", "scope": None, "parameters": {"parts": [part, {**part, "family": "gain"}]}}
    found["diagnosis"]["verdict"] |= both
    found["diagnosis"]["candidates"] = [{**both, "misfit": 0.01}, {**part, "misfit": 0.3}]
    explanations = [row[0] for row in page_of(found).tables[0].rows]
    assert "It is rotate" in explanations
    assert "It is rotate, then gain" not in explanations
    assert page_of(found).title == "t: rotate, then gain, accuracy is lost"


def test_a_change_within_the_margin_is_no_harm(found):
    page = page_of(found, difference=(0.0, -0.001, 0.001), p_value=1.0, equivalence_p=1e-6)
    text = " ".join(page.sentences)
    assert page.title == "t: rotate, no harm"
    assert "nothing happened to t that matters to this model" in text
    assert not any("does as much harm" in row[0] for row in page.tables[0].rows)


def test_an_unknown_shift_is_no_claim(found):
    found["diagnosis"]["verdict"] |= {"family": "unknown", "scope": None, "information": None, "parameters": {}}
    found["text"] = found["shift"] = None
    found["diagnosis"]["candidates"][0]["misfit"] = 0.5
    page = page_of(found)
    assert page.title == "t: an unknown shift"
    assert "no family of the catalogue makes" in page.sentences[0]
    assert "rotate, leaves 50% of the change unexplained" in page.sentences[1]


def test_why_is_not_known_where_no_mechanism_passes(found):
    found["diagnosis"]["mechanisms"][0]["present"] = False
    assert "not known: none of 1 mechanisms" in " ".join(page_of(found).sentences)
    assert answer(evaluation(), found, REPAIR)["why"] == "not known"


def test_the_table_says_what_became_of_each(found):
    attempt = {
        "strategy": "undo",
        "what": "turned back",
        "attacked": None,
        "variant": {"before": {"estimate": 0.8}, "after": {"estimate": 0.96, "low": 0.95, "high": 0.97}},
    }
    repaired = {**REPAIR, "outcome": "repaired", "recommended": "undo", "attempts": [attempt]}
    row = answer(evaluation(), found, repaired)
    table = finding([row]).tables[0]
    assert table.rows[0][0] == "t"
    assert table.rows[0][-2:] == ("undo: turned back", "96.00 [95.00, 97.00]")
    assert finding([row]).sentences == ("t: accuracy comes back.",)
    partly = finding([answer(evaluation(), found, {**repaired, "outcome": "partly_repaired"})])
    assert partly.sentences == ("t (94% of what was lost): accuracy comes back in part.",)


def contrast(unmodified, found=FOUND, kind=None, **parts):
    measured = {"names": ["a", "b"], "kind": kind, "unmodified": unmodified, "draws": None, "aim": None, **parts}
    return " ".join(
        contrast_page.finding(measured, {"a": found, "b": found}, {"a": REPAIR, "b": REPAIR}, 0.97).sentences
    )


def ends(estimate, spread=0.01):
    return {"estimate": estimate, "low": estimate - spread, "high": estimate + spread}


def test_a_model_at_chance_on_both_is_no_evidence():
    same = {"accuracy": [ends(0.12), ends(0.11)], "commonest": 0.11, "difference": ends(-0.01, 0.02), "p_value": 0.3}
    text = contrast(same)
    assert "is not shown to differ between the two" in text
    assert "near chance" in text
    apart = {**same, "accuracy": [ends(0.9), ends(0.3)], "difference": ends(-0.6), "p_value": 1e-9}
    assert "tells them apart" in contrast(apart)


def test_sets_that_are_clean_are_not_set_apart():
    found = copy.deepcopy(FOUND)
    found["change"] |= {"touched": 0.0, "linf": [0, 0, 0], "l2": [0, 0, 0], "same_values": 1.0}
    same = {"accuracy": [ends(0.97), ends(0.97)], "commonest": 0.11, "difference": ends(0.0), "p_value": 1.0}
    text = contrast(same, found)
    assert "Nothing sets them apart" in text
    assert "hurt by neither" in text
    assert "experiment" not in text


def test_the_experiment_says_when_the_number_of_draws_does_not_matter():
    same = {"accuracy": [ends(0.12), ends(0.11)], "commonest": 0.11, "difference": ends(-0.01, 0.02), "p_value": 0.3}
    row = {"draws": 1, "unmodified": ends(0.1), "learned": ends(0.5)}
    draws = {"one_undone": {}, "learned": 1000, "epochs": 8, "dose": [row, {**row, "draws": None}]}
    assert "does not set them apart" in contrast(same, kind="draws", draws=draws)
    fallen = {**draws, "dose": [row, {"draws": None, "unmodified": ends(0.1), "learned": ends(0.2)}]}
    assert "it decides what can be learned (30.0 points), not what the unmodified model does" in contrast(same, kind="draws", draws=fallen)  # fmt: skip
