"""How sure a verdict is."""

from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.paired.confidence import confidence_at

misfits, limits, leads = st.floats(0, 2), st.floats(1e-3, 0.2), st.floats(0, 20)


@given(misfits, limits, leads)
def test_confidence_is_a_probability_of_at_least_a_half(misfit, limit, lead):
    assert 0.5 <= confidence_at(misfit, limit, lead) <= 1


@given(misfits, limits, leads, leads)
def test_a_larger_lead_never_lowers_it(misfit, limit, one, other):
    assert confidence_at(misfit, limit, min(one, other)) <= confidence_at(misfit, limit, max(one, other))


@given(st.floats(0, 1), st.floats(0, 1), limits, leads)
def test_of_two_that_fit_the_better_fit_is_surer(one, other, limit, lead):
    better, worse = sorted((one * limit * 0.999, other * limit * 0.999))
    assert confidence_at(worse, limit, lead) <= confidence_at(better, limit, lead)


@given(st.floats(1.001, 10), st.floats(1.001, 10), limits, leads)
def test_of_two_that_do_not_fit_the_worse_fit_is_surer_unknown(one, other, limit, lead):
    near, far = sorted((one * limit, other * limit))
    assert confidence_at(near, limit, lead) <= confidence_at(far, limit, lead)
