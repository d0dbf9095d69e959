"""How sure a verdict is."""

import json
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.calibration import calibration
from shiftassay.diagnosis.evidence import Evidence

misfits, limits, leads = st.floats(0, 2), st.floats(1e-6, 0.2), st.floats(0, 20)
pairings = st.sampled_from(["paired", "unpaired"])


def _evidence(pairing="paired", misfit=0.01, limit=0.05, lead=2.0, images=1000, parts=1):
    return Evidence(pairing, misfit, limit, lead, images, parts)


@given(pairings, misfits, limits, leads, st.integers(60, 10_000), st.integers(0, 3), st.booleans())
def test_confidence_never_exceeds_what_its_sample_can_show(pairing, misfit, limit, lead, images, parts, known):
    kind = f"{pairing} {'known' if known else 'unknown'}"
    confidence = Evidence(pairing, misfit, limit, lead, images, parts).confidence(known)
    assert 0 <= confidence <= calibration().confidence[kind].most < 1


@given(pairings, leads, leads)
def test_a_larger_lead_never_lowers_it(pairing, one, other):
    less, more = (_evidence(pairing, lead=lead).confidence(known=True) for lead in sorted((one, other)))
    assert less <= more


@given(pairings, limits, st.floats(0, 1), st.floats(0, 1))
def test_of_two_that_fit_the_better_fit_is_surer(pairing, limit, one, other):
    better, worse = (
        _evidence(pairing, misfit=share * limit, limit=limit).confidence(known=True) for share in sorted((one, other))
    )
    assert worse <= better


def test_more_images_never_make_a_known_shift_less_sure():
    few, many = (_evidence(images=n).confidence(known=True) for n in (60, 6000))
    assert few <= many


@pytest.mark.parametrize(("pictures", "most"), [(1, 2 / 3), (3, 0.8), (18, 0.95)])
def test_few_pictures_show_little_however_large_they_are(pictures, most):
    few = Evidence("paired", 0.0, 0.05, 3.0, 64 * pictures, 1, pictures)
    assert few.confidence(known=True) == pytest.approx(most)


@pytest.mark.parametrize("kind", list(calibration().confidence))
def test_the_mean_confidence_of_the_calibration_s_cases_is_the_share_of_right_ones(kind):
    """A logistic regression with an intercept balances the two, but for its small ridge penalty and its upper end."""
    content = json.loads(files("shiftassay.diagnosis").joinpath("calibration.json").read_text())
    pairing, _, what = kind.partition(" ")
    cases = [c for c in content["cases"] if c["pairing"] == pairing and c["fits"] == (what == "known")]
    logistic = calibration().confidence[kind]
    confidences = [logistic.probability({name: case[name] for name in logistic.weights}) for case in cases]
    right = [case["right" if what == "known" else "unknown"] for case in cases]
    assert len(cases) >= 20
    assert abs(np.mean(confidences) - np.mean(right)) < 0.03
