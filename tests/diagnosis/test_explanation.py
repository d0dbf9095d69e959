"""What a diagnosis explains: every part that was measured has its sentence, in one order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.explanation import explained
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.paired.candidate import Candidate
from shiftassay.diagnosis.paired.remake import Remake
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.proof import Proof
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import OURS

TURNED = parse("rotate:angle=15")
KNOWN = Verdict(TURNED, TURNED.parameters, {}, 1.0, 0.98)
UNKNOWN = Verdict(None, {}, {}, 1.0, 0.9)
PROOF = Proof(None, sentences=("Made again, accuracy is 50%.", "Undone, accuracy is 97%."))
GROWS = Mechanism("grows", True, "The shift grows.", {})
ABSENT = Mechanism("biases", False, "Biases matter.", {})


def candidate(shift: Shift, unexplained: float) -> Candidate:
    residual = np.zeros((1, 1, 2, 2), np.float32)
    pairs = Pairs(residual, residual)
    return Candidate(Remake(shift, shift, unexplained, 0.0, 0.0, {}, OURS, residual), 0.0, Task(pairs, pairs, []))


CANDIDATES = [candidate(TURNED, 0.034), candidate(parse("rotate:angle=12"), 0.2), candidate(parse("invert"), 0.61)]


def explanation(verdict=KNOWN, candidates=(), proof=PROOF, mechanisms=(), images=100, measured=100):
    return explained(verdict, candidates, proof, mechanisms, images, measured, None, None)


def test_shift_proof_and_reasons_follow_in_this_order():
    text = explanation(candidates=CANDIDATES, mechanisms=[ABSENT, GROWS])
    parts = ["Rotate (angle = 15)", "leaves 3.4%", *PROOF.sentences, GROWS.sentence]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_mechanism_that_failed_its_test_is_no_reason():
    assert ABSENT.sentence not in explanation(mechanisms=[ABSENT])


def test_the_rival_is_the_best_candidate_of_another_family():
    assert "the next family, invert, 61%" in explanation(candidates=CANDIDATES)
    assert "the next family" not in explanation(candidates=CANDIDATES[:2])


def test_the_strongest_reasons_alone_are_given():
    reasons = [replace(GROWS, sentence=f"Reason {place}.") for place in range(SETTINGS.reasons + 2)]
    text = explanation(mechanisms=reasons)
    assert [f"Reason {place}." in text for place in range(len(reasons))] == [True] * SETTINGS.reasons + [False] * 2


@pytest.mark.parametrize(("more", "sampled"), [(0, False), (1, True)])
def test_reasons_measured_on_a_sample_say_so(more, sampled):
    images = 100 + more
    assert ("drawn at random" in explanation(mechanisms=[GROWS], images=images)) is sampled
    assert "drawn at random" not in explanation(mechanisms=[ABSENT], images=images)


def test_an_unknown_shift_names_the_nearest_and_what_it_leaves():
    text = explanation(UNKNOWN, CANDIDATES)
    assert text.startswith("Nothing in the catalogue makes this shift. Nearest is rotate (angle = 15)")
    assert "3.4% of the change unexplained" in text


def test_without_candidates_an_unknown_shift_has_its_own_words():
    assert "happened to their labels" in explanation(UNKNOWN)
    assert explanation(replace(UNKNOWN, share=0.02)).startswith("Only 2.0% of the images changed")


@given(st.floats(0.01, 0.999))
def test_a_shift_of_some_images_says_that_it_touched_a_part(share):
    assert "% of the images." in explanation(replace(KNOWN, share=share))
    assert "It touched" not in explanation(KNOWN)
