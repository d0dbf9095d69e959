"""A playground's answers are those of its networks to the pictures that it shows."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from shiftassay.errors import BadInput
from shiftassay.models.predict import predict
from shiftassay.play.playground import MOST_SHIFTS, Playground, Setting
from shiftassay.shifts.catalog import parse, shift


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_answers_are_the_models_own(playground):
    picture = playground.image_set.images[:1]
    answered = playground.answered(picture, [Setting("rotate", {"angle": 40.0}), Setting("gain", {"factor": 0.5})], 3)
    shifted = shift(playground.image_set.first(1), "rotate:angle=40+gain:factor=0.5", 3).images
    assert answered.shift == str(parse("rotate:angle=40+gain:factor=0.5"))
    np.testing.assert_array_equal(pixels(answered.picture), np.rint(shifted[0, 0] * 255))
    for answer in answered.answers:
        logits = torch.from_numpy(predict(shifted, model=playground.models[answer.name]))
        np.testing.assert_allclose(answer.after, logits.softmax(1)[0], atol=1e-5)
        before = torch.from_numpy(predict(picture, model=playground.models[answer.name]))
        np.testing.assert_allclose(answer.before, before.softmax(1)[0], atol=1e-5)
        two = logits[0].sort(descending=True).values
        assert answer.margin == pytest.approx(float(two[0] - two[1]), abs=1e-5)


def test_the_order_of_shifts_is_kept(playground):
    picture = playground.image_set.images[:1]
    ways = [Setting("invert", {}), Setting("rotate", {"angle": 45})]
    one, other = (playground.answered(picture, order, 0).picture for order in (ways, ways[::-1]))
    assert not np.array_equal(pixels(one), pixels(other))


def test_the_same_seed_draws_the_same(playground):
    picture, noise = playground.image_set.images[:1], [Setting("gaussian_noise", {})]
    one, again, other = (playground.answered(picture, noise, seed).picture for seed in (1, 1, 2))
    assert one == again != other


def test_only_what_changes_such_pictures_is_offered(playground):
    offered = set(playground.families)
    assert {"rotate", "gaussian_noise", "pixel_permutation", "adversarial", "autocontrast"} <= offered
    assert not offered & {"identity", "compose", "label_noise", "reorder", "crop", "hue"}


def test_an_attack_needs_a_network_and_lowers_its_margin(playground):
    assert "adversarial" not in Playground(playground.image_set, {}).families
    picture = playground.image_set.images[:1]
    first = playground.answered(picture, [Setting("adversarial", {"epsilon": 0.05})], 0).answers[0]
    label = int(np.argmax(first.before))
    assert first.after[label] < first.before[label]


def test_pictures_of_another_size_are_refused(playground):
    with pytest.raises(BadInput, match="another size"):
        playground.answered(playground.image_set.images[:1], [Setting("letterbox", {"size": [40, 40]})], 0)


def test_unknown_families_and_too_many_shifts_are_refused(playground):
    with pytest.raises(BadInput, match="can't be put on"):
        playground.shift([Setting("nothing", {})])
    with pytest.raises(BadInput, match=f"at most {MOST_SHIFTS}"):
        playground.shift([Setting("invert", {})] * (MOST_SHIFTS + 1))


def test_a_network_that_fails_says_why_beside_the_others(playground):
    models = {**playground.models, "small": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, 10))}
    answered = Playground(playground.image_set, models).answered(playground.image_set.images[:1], [], 0)
    assert "can't take images of (1, 28, 28)" in answered.answers[-1].error
    assert all(answer.after and not answer.error for answer in answered.answers[:-1])
