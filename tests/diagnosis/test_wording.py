"""What a diagnosis prints, and that its parts survive JSON."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shiftassay.diagnosis.adversarial import (
    AccuracyBesideControls,
    AdversarialEvidence,
    BesideControls,
    Transfer,
)
from shiftassay.diagnosis.ceiling.ceiling import Above, Ceiling
from shiftassay.diagnosis.ceiling.nearest import NearestNeighbors
from shiftassay.diagnosis.ceiling.oracles import Oracle
from shiftassay.diagnosis.ceiling.sufficiency import Sufficiency
from shiftassay.diagnosis.mechanisms import MEASURES
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.pairing.pair import Pairing, PairingEvidence
from shiftassay.diagnosis.proof import Accuracies, Check
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.diagnosis.wording import WIDTH, confidence_in_words, table_of, unexplained_in_words
from shiftassay.shifts.catalog import parse
from shiftassay.statistics.intervals import Interval

HOSTILE = "<img src=x onerror=alert(1)>"

CEILING = Ceiling(
    shift="pixel_permutation",
    information="destroyed",
    oracles=(Oracle("perceptron", Interval(0.4, 0.38, 0.42, 0.99), 5000, 2000),),
    best="perceptron",
    below=(0.4, 0.38),
    above=Above("values", 0.55, 0.5, 0.6),
    sufficiency=Sufficiency(0.5, 0.4, 0.3, 0.2, 2000),
    neighbors=NearestNeighbors((1000, 2000), (0.7, 0.6), (0.5, 0.4, 0.6), (0.55, 0.5, 0.6), (0.4, 0.5), 10, 500),
)
EVIDENCE = AdversarialEvidence(
    images=300,
    norm="linf",
    epsilon=0.1,
    epsilon_interval=(0.09, 0.11),
    spread={"linf": 0.01, "l2": 0.2},
    at_bound=0.9,
    at=0.5,
    agreement=BesideControls(0.9, 0.1, 0.05),
    aim=0.95,
    harm=BesideControls(5.0, 0.5, 0.4),
    worse=0.99,
    worse_p=1e-9,
    accuracy=AccuracyBesideControls(0.98, 0.3, 0.96, 0.95),
    denoised={"median 3 × 3": (0.97, 0.8)},
    transfer=(Transfer("other", 0.98, 0.5, 0.97), Transfer("another", 0.97, 0.6, 0.96)),
)
GROWS = Mechanism(
    "grows", True, "The shift grows on its way through the network.", {"growth": 2.5, "layers": ["a", "b"]}
)
BIASES = Mechanism("biases", False, "", {"factor": 1.0})
RECORDS = (
    CEILING,
    EVIDENCE,
    GROWS,
    BIASES,
    Accuracies(0.98, 0.5, 0.5, 0.97, None),
    Check("same mistakes", 0.9, 0.95, True),
)


def diagnosis_of(**changes) -> Diagnosis:
    """A diagnosis with something of everything."""
    verdict = Verdict(parse("rotate:angle=15"), {"angle": 15.0}, {"angle": [14.9, 15.1]}, 1.0, 0.98, ("affine",))
    candidates = (
        CandidateSummary("rotate", {"angle": 15.0}, "shared", 0.99, 0.01, 0.05, 0.01, {"misfit": 0.01}),
        CandidateSummary("shear", {"factor": 0.25}, "shared", 0.4, 0.6, 0.05, 0.6, {"misfit": 0.6}),
    )
    whole = Diagnosis(
        pairing=Pairing("same_order", None, PairingEvidence(None, None)),
        verdict=verdict,
        candidates=candidates,
        accuracy=Accuracies(0.98, 0.5, 0.51, 0.97, 0.96),
        ceiling=CEILING,
        explanation="Rotate (angle = 15).",
        proof=(Check("same mistakes", 0.9, 0.95, True),),
        mechanisms=(GROWS, BIASES),
        adversarial=EVIDENCE,
        notes=("a note",),
        seconds=1.5,
    )
    return replace(whole, **changes)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_a_diagnosis_is_made_of_survives_json(record):
    content = json.loads(json.dumps(record.to_json()))
    assert type(record).from_json(content) == record
    assert type(record).from_json(content).to_json() == record.to_json()


def test_stored_accuracies_have_no_keys_for_images_that_are_not_shared():
    assert list(Accuracies(0.9, 0.8).to_json()) == [
        "reference",
        "shifted",
        "reproduced",
        "restored_with_partner",
        "restored_blind",
    ]
    assert Accuracies(0.9, 0.8, shifted_without_shared=0.7).to_json()["shifted_without_shared"] == 0.7


def test_a_diagnosis_prints_what_a_person_wants_to_know():
    text = str(diagnosis_of())
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.startswith("Verdict: rotate (angle = 15 [14.9, 15.1]), the same for all images; confidence 98%.")
    assert "51.00% with the shift made again, 97.00% undone by partners, 96.00% undone without" in " ".join(
        text.split()
    )
    assert GROWS.sentence in text
    assert "at this model" in " ".join(text.split())
    assert "shear (factor = 0.25)" in text
    assert "60%" in text


def test_candidates_are_sorted_by_what_is_printed():
    misfits = {"gain": 0.9, "offset": 0.05, "gamma": 0.7, "invert": 1.3}
    candidates = [CandidateSummary(f, {}, "shared", 0.0, m, None, m) for f, m in misfits.items()]
    printed = [line.split()[-1] for line in table_of(candidates)]
    assert printed == ["5.0%", "70%", "90%", "all"]


def test_a_long_candidate_is_not_cut_off():
    matrix = [[0.111111, 0.222222, 0.333333], [0.444444, 0.555555, 0.666666]]
    parts = {"parts": [{"family": "affine", "parameters": {"matrix": matrix}, "scope": "per_image"}] * 4}
    lines = table_of([CandidateSummary("compose", parts, "shared", 0.0, 0.5, None, 0.5)])
    assert len(lines) > 3
    assert " ".join(" ".join(lines).split()).count("0.6667") == 4
    assert max(map(len, lines)) <= WIDTH


def test_what_it_costs_comes_before_what_it_was_measured_on():
    lines = str(diagnosis_of(mechanisms=(), adversarial=None, ceiling=None, candidates=())).splitlines()
    facts = [
        line.split()[0] for line in lines[: lines.index(next(line for line in lines if line.startswith("What to do")))]
    ]
    assert facts == ["Verdict:", "proof", "images", "information", "equivalent"]


def test_only_what_was_shown_is_given_as_a_reason():
    reasons = diagnosis_of(adversarial=None, ceiling=None).reasons
    assert reasons == (GROWS.sentence,)


def test_representations_are_one_short_line():
    whole = diagnosis_of()
    for shown in (whole, whole.verdict, *RECORDS):
        assert len(repr(shown)) < 200
        assert "\n" not in repr(shown)


def test_an_unknown_shift_is_called_unknown():
    unknown = Verdict(None, {}, {}, 0.5, 0.8)
    assert str(unknown).startswith("unknown, nothing in the catalogue")
    assert "it touched 50% of the images" in str(unknown)
    assert "sorted by what each leaves" in str(diagnosis_of(verdict=unknown))


def test_a_notebook_shows_a_table_in_which_text_is_only_text():
    html = diagnosis_of(explanation=HOSTILE)._repr_html_()
    assert "rotate" in html
    assert "98%" in html
    assert "[14.9, 15.1]" in html
    assert "<img" not in html


@given(st.floats(0, 1))
@example(0.995)
def test_no_confidence_is_certainty(confidence):
    assert confidence_in_words(confidence) not in ("100%", "over 100%")


@given(st.floats(0, 10))
def test_no_candidate_leaves_more_than_all(misfit):
    text = unexplained_in_words(misfit)
    assert (text == "all") == (misfit >= 1)


def test_every_mechanism_says_itself_in_a_few_words():
    for measure in MEASURES:
        brief = Mechanism(measure.__name__, True, "", {}).brief
        assert brief != measure.__name__.replace("_", " ")
        assert 2 <= len(brief.split()) <= 12


def test_a_mechanism_of_another_version_still_has_a_name():
    assert Mechanism("not_known_here", True, "", {}).brief == "not known here"


def test_the_bound_is_told_with_its_method():
    assert "Cover and Hart" in str(CEILING)
    labels = replace(CEILING, above=Above("labels", 0.7, 0.7, 0.7))
    assert "labels are wrong" in str(labels)
    assert "no ceiling below 100% is known" in str(replace(CEILING, above=None))
    assert "the ceiling is that of the unshifted images" in str(replace(CEILING, above=None, information="preserved"))
