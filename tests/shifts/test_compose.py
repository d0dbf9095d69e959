import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import make, parse, shift


def test_parts_are_applied_in_order(digits):
    both = shift(digits, "offset:amount=0.5+gain:factor=0.5").images
    assert np.allclose(both, np.minimum(digits.images + 0.5, 1) * 0.5)
    other = shift(digits, "gain:factor=0.5+offset:amount=0.5").images
    assert np.allclose(other, digits.images * 0.5 + 0.5)


def test_what_a_composition_keeps_is_what_its_parts_keep():
    assert parse("invert+flip_vertical").information == "preserved"
    assert parse("invert+threshold:level=0.5").information == "reduced"
    assert parse("pixel_permutation:scope=per_image+invert").information == "destroyed"
    images = np.zeros((1, 1, 4, 4), np.float32)
    assert np.array_equal(parse("threshold:level=0.5+invert").undo(images, np.random.default_rng()), 1 - images)
    assert parse("threshold:level=0.5+jpeg:quality=9").undo(images, np.random.default_rng()) is None


def test_a_composition_is_written_as_its_parts():
    composition = parse("rotate:angle=15+gain:factor=0.4")
    assert composition.to_json() == {
        "family": "compose",
        "parameters": {
            "parts": [
                {"family": "rotate", "parameters": {"angle": 15.0}, "scope": "shared"},
                {"family": "gain", "parameters": {"factor": 0.4, "clip": False}, "scope": "shared"},
            ]
        },
        "scope": None,
    }
    assert make("compose", composition.parameters) == composition


def test_two_parts_of_the_same_noise_are_not_the_same_noise(digits):
    noise = shift(digits, "sign_noise:epsilon=0.1,clip=false+sign_noise:epsilon=0.1,clip=false").images - digits.images
    assert (np.abs(noise) < 1e-6).mean() == pytest.approx(0.5, abs=0.01)


def test_a_part_that_needs_a_model_makes_the_whole_need_one(digits):
    composition = parse("invert+adversarial:epsilon=0.1")
    assert composition.needs_model
    with pytest.raises(BadInput, match="aimed at a model"):
        shift(digits, composition)


def test_no_parts_are_no_composition():
    with pytest.raises(BadInput, match="at least one"):
        make("compose", {"parts": []})
    with pytest.raises(BadInput, match="expected a shift"):
        make("compose", {"parts": ["rotate"]})
