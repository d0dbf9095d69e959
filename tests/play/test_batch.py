"""A diagnosis in the background says whether it names what was put on."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.models.prepared import module_of
from shiftassay.play.batch import Batch, BatchDiagnosis, judged
from shiftassay.shifts.catalog import parse, shift


def verdict(text, equivalent=()):
    found = parse(text) if text else None
    return Verdict(found, found.parameters if found else {}, {}, 1.0, 0.9, equivalent)


@pytest.mark.parametrize(
    ("put_on", "found", "equivalent", "named", "sentence"),
    [
        ("rotate:angle=15", "rotate:angle=15.1", (), True, "names what was set"),
        ("rotate:angle=15+gain:factor=0.4", "rotate:angle=15+gain:factor=0.4", (), True, "names what was set"),
        ("rotate:angle=15+gain:factor=0.4", "gain:factor=0.4+rotate:angle=15", (), True, "in another order"),
        ("rotate:angle=10+rotate:angle=350", "identity", (), False, "something else"),
        ("contrast:factor=0.5", "gain:factor=0.5", ("contrast",), True, "contrast fits these images as well"),
        ("rotate:angle=15", "shear:factor=0.2", (), False, "something else"),
        ("rotate:angle=15+gain:factor=0.4", "rotate:angle=15", (), False, "something else"),
        ("rotate:angle=15", None, (), False, "nothing in the catalogue"),
    ],
)
def test_a_verdict_is_held_against_what_was_put_on(put_on, found, equivalent, named, sentence):
    right, words = judged(parse(put_on), verdict(found, equivalent))
    assert right is named
    assert sentence in words


def test_nothing_put_on_is_named_identity():
    assert judged(parse("identity"), verdict("identity"))[0]


def batch(playground, by):
    reference = playground.image_set.first(60)
    return Batch(reference, shift(reference, by), parse(by), playground.models["mlp"])


def waited(diagnosis, seconds):
    until = time.monotonic() + seconds
    while (state := diagnosis.state()).state == "running" and time.monotonic() < until:
        time.sleep(0.1)
    return state


@pytest.mark.torture
def test_what_is_wrong_with_a_batch_is_said(playground):
    diagnosis = BatchDiagnosis()
    given = batch(playground, "rotate:angle=30")
    diagnosis.start(replace(given, shifted=replace(given.shifted, images=given.shifted.images * np.float32(np.nan))))
    state = waited(diagnosis, 60)
    assert state.state == "failed"
    assert "it holds NaN" in state.error


@pytest.mark.torture
def test_a_batch_is_diagnosed_in_another_process(playground):
    diagnosis = BatchDiagnosis()
    assert diagnosis.state().state == "none"
    diagnosis.start(batch(playground, "rotate:angle=30"))
    assert diagnosis.state().state == "running"
    state = waited(diagnosis, 200)
    assert state.state == "done"
    assert state.result.named
    assert "rotate (angle = 30)" in state.result.report
    assert diagnosis.state() == state


@pytest.mark.torture
def test_a_process_that_ends_early_is_noticed(playground):
    diagnosis = BatchDiagnosis()
    diagnosis.start(batch(playground, "rotate:angle=30"))
    os.kill(diagnosis._process.pid, 9)
    state = waited(diagnosis, 20)
    assert (state.state, state.error) == ("failed", "the process of the diagnosis ended early. Is there enough memory?")


@pytest.mark.torture
def test_a_diagnosis_that_is_stopped_is_gone(playground):
    diagnosis = BatchDiagnosis()
    diagnosis.start(batch(playground, "rotate:angle=30"))
    process = diagnosis._process
    diagnosis.stop()
    assert not process.is_alive()
    assert diagnosis.state().state == "none"


def test_a_network_that_can_not_be_sent_is_refused(playground):
    given = batch(playground, "invert")
    with pytest.raises(BadInput, match="can't be sent"):
        BatchDiagnosis().start(replace(given, model=module_of(lambda images: images[:, 0, 0, :2])))
