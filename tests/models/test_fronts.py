"""What is done to an image whose shift is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.models.fronts import AsIs, Shrink, Sort, front_of, straight_through
from shiftassay.shifts.catalog import generator, parse, shift
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.families.attack import Adversarial

SHAPE = (1, 28, 28)


def drawn(text):
    spec = parse(text)
    return spec.realize(SHAPE, generator(spec, 0, "shared"))


def through(spec, images):
    return front_of(spec, SHAPE)(torch.from_numpy(images)).numpy()


@pytest.mark.parametrize(
    "text", ["pixel_permutation", "row_permutation", "invert", "rotate:angle=90", "pixel_permutation+invert"]
)
def test_what_is_the_same_for_all_images_is_undone_exactly(text, digits):
    spec = drawn(text)
    shifted = shift(digits, spec, 3).images
    assert np.abs(shifted - digits.images).max() > 0.5
    assert np.allclose(through(spec, shifted), digits.images, atol=1e-5)


@pytest.mark.parametrize(
    "text", ["rotate:angle=-90..90,scope=per_image", "row_permutation:scope=per_image", "identity"]
)
def test_what_was_drawn_for_each_image_is_not_known_and_so_not_undone(text, digits):
    spec = parse(text)
    shifted = shift(digits, spec, 3).images
    assert isinstance(front_of(spec, SHAPE), AsIs)
    assert np.array_equal(through(spec, shifted), shifted)


def test_a_fresh_permutation_of_an_image_changes_nothing_that_is_shown(digits):
    spec = parse("pixel_permutation:scope=per_image")
    first, second = (shift(digits, spec, seed).images for seed in (1, 2))
    assert not np.array_equal(first, second)
    assert np.array_equal(through(spec, first), through(spec, second))


def test_what_was_done_before_a_fresh_permutation_is_not_undone(digits):
    spec = drawn("pixel_permutation+pixel_permutation:scope=per_image+sign_noise:epsilon=0.1")
    parts = front_of(spec, SHAPE).parts
    assert [type(part) for part in parts] == [Shrink, Sort]


@given(st.floats(0.01, 0.49), st.integers(0, 2**32 - 1))
def test_noise_of_the_known_size_leaves_black_black_and_white_white(epsilon, seed):
    rng = np.random.default_rng(seed)
    images = rng.choice(np.array([0, 1], np.float32), (2, *SHAPE))
    moved = images + rng.uniform(-epsilon, epsilon, images.shape).astype(np.float32)
    shown = Shrink(epsilon)(torch.from_numpy(moved)).numpy()
    assert np.allclose(shown, images, atol=1e-5)


def test_an_attack_can_be_made_through_every_front_that_stands_before_one():
    attack = Adversarial(0.1)
    first = (drawn("pixel_permutation"), parse("rotate:angle=30"))
    for spec in (attack, *(Compose((part, attack)) for part in first)):
        images = torch.full((2, *SHAPE), 0.5, requires_grad=True)
        front_of(spec, SHAPE)(images).sum().backward()
        assert images.grad is not None
        assert (images.grad > 0).all()


def test_a_front_that_hides_its_gradient_does_not_when_passed_straight_through():
    black = torch.zeros((1, *SHAPE), requires_grad=True)
    front = Shrink(0.1)
    front(black).sum().backward()
    assert (black.grad == 0).all()
    passed = straight_through(front)(black)
    assert torch.equal(passed, front(black))
    passed.sum().backward()
    assert (black.grad == 1).all()
