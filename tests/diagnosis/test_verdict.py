"""Verdicts and summaries of shifts, as data."""

import json

import numpy as np
import pytest

from shiftassay.diagnosis.diagnose import refit, verdict_on
from shiftassay.diagnosis.summary import ShiftSummary, summarized
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import parse, presets, shift
from shiftassay.shifts.family import FAMILIES

EXAMPLES = [parse(f"{name}:{FAMILIES[name].example}") for name in FAMILIES if name != "compose"]
SHIFTS = [*EXAMPLES, *presets().values(), parse("rotate:angle=-5|5,scope=per_image+gaussian_noise:sd=0.1")]


def _again(record):
    return type(record).from_json(json.loads(json.dumps(record.to_json())))


@pytest.mark.parametrize("spec", SHIFTS, ids=str)
def test_verdicts_survive_json(spec):
    summary = summarized(spec)
    verdict = Verdict(spec, summary.parameters, {}, 0.5, 0.9, ("invert",))
    assert _again(verdict).shift == spec
    assert _again(verdict).to_json() == verdict.to_json()
    assert _again(summary) == ShiftSummary.from_json(summary.to_json())


@pytest.mark.parametrize("spec", SHIFTS, ids=str)
def test_a_verdict_that_was_written_without_its_shift_is_read_from_what_it_tells(spec):
    content = Verdict(spec, summarized(spec).parameters, {}, 1.0, 0.9).to_json()
    del content["shift"]
    again = Verdict.from_json(content)
    assert (again.family, again.scope, len(again.parts)) == (spec.family, spec.to_json()["scope"], len(spec.components))


def test_the_unknown_stays_unknown():
    unknown = Verdict(None, {}, {}, 1.0, 0.7)
    assert _again(unknown).to_json() == unknown.to_json()
    assert (unknown.family, unknown.scope, unknown.information) == ("unknown", None, None)


def test_shares_of_a_few_values_are_those_that_were_drawn(digits):
    spec = parse("rotate:angle=-15|15,scope=per_image")
    angles = np.repeat([-15.0, 15.0], [3, 1])
    values = summarized(spec, type(spec).from_numbers_per_image(angles[:, None])).parameters["angle"]["values"]
    assert values == [{"value": -15.0, "share": 0.75}, {"value": 15.0, "share": 0.25}]


def _first(images, n):
    return ImageSet(images.images[:n], None if images.labels is None else images.labels[:n], images.name)


def test_a_verdict_is_refitted_to_a_half_and_searched_anew_where_it_does_not_fit(digits):
    turned = shift(digits, "rotate:angle=15")
    whole = verdict_on(digits, turned)
    half = refit(whole, _first(digits, 100), _first(turned, 100))
    assert half.family == "rotate"
    assert half.parameters["angle"] == pytest.approx(15, abs=0.1)
    assert half.confidence == whole.confidence
    assert refit(whole, digits, shift(digits, "invert")).family == "invert"
