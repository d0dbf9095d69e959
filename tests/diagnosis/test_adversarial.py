import json

import numpy as np
import pytest
import torch

from shiftassay.diagnosis.adversarial import _size, adversarial_evidence
from shiftassay.diagnosis.asking import log_odds_gradient
from shiftassay.diagnosis.controls import shuffled_residual, transplanted_residual
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.family import Context


def attacked(images, spec, model):
    return shift(images, spec, 0, Context(images.labels, model)).images


def fast_gradient_sign(images, epsilon, model):
    gradient = log_odds_gradient(model, images.images, images.labels)
    return np.clip(images.images + np.float32(epsilon) * np.sign(gradient), 0, 1)


@pytest.mark.parametrize("epsilon", [0.03, 0.1, 0.25])
def test_the_gradients_sign_is_an_attack_on_this_model(epsilon, few, perceptron):
    result = adversarial_evidence(perceptron, few.images, fast_gradient_sign(few, epsilon, perceptron), few.labels)
    assert result.is_adversarial
    assert result.aimed_at == "this model"
    assert result.norm == "linf"
    assert result.epsilon == pytest.approx(epsilon, rel=0.02)
    assert result.at_bound > 0.99


@pytest.mark.parametrize(("epsilon", "norm"), [(0.05, "linf"), (0.2, "linf"), (0.5, "l2"), (2.0, "l2")])
def test_projected_ascent_is_an_attack_with_its_norm_and_size(epsilon, norm, few, perceptron):
    shifted = attacked(few, f"adversarial:epsilon={epsilon},norm={norm}", perceptron)
    result = adversarial_evidence(perceptron, few.images, shifted, few.labels)
    assert result.is_adversarial
    assert result.aimed_at == "this model"
    assert result.norm == norm
    assert result.bounded
    assert result.epsilon == pytest.approx(epsilon, rel=0.03)
    low, high = result.epsilon_interval
    assert low <= min(result.epsilon, epsilon) <= max(result.epsilon, epsilon) <= high


def test_an_attack_rounded_to_grey_levels_keeps_its_size(few, perceptron):
    shifted = np.rint(attacked(few, "adversarial:epsilon=0.1", perceptron) * 255).astype(np.float32) / 255
    result = adversarial_evidence(perceptron, few.images, shifted, few.labels)
    assert result.aimed_at == "this model"
    assert result.epsilon == pytest.approx(0.1, rel=0.03)


def rounded(images, how):
    """To 8 bits: nearest, towards black, or not at all."""
    if how == "float":
        return images.astype(np.float32)
    whole = np.rint(images * 255) if how == "nearest" else np.floor(images * 255 + 1e-6)
    return (whole / 255).astype(np.float32)


@pytest.mark.parametrize("how", ["float", "nearest", "floor"])
@pytest.mark.parametrize("reference_rounded", [True, False])
def test_the_interval_of_a_pixels_bound_holds_its_estimate_and_covers(how, reference_rounded, rng):
    """Signs of 200 known strengths on images of our own, where some changes are clipped and some pixels stay behind."""
    covered = []
    for epsilon in rng.uniform(0.01, 0.3, 200):
        images = np.clip(rng.normal(0.4, 0.4, (20, 1, 12, 12)), 0, 1)
        if reference_rounded:
            images = np.rint(images * 255) / 255
        part = np.where(rng.random(images.shape) < 0.8, 1.0, rng.random(images.shape))
        moved = np.clip(images + epsilon * part * rng.choice([-1, 1], images.shape), 0, 1)
        norm, estimate, (low, high), _ = _size(images.astype(np.float32), rounded(moved, how))
        assert norm == "linf"
        assert low <= estimate <= high
        assert high - low <= (1.01 / 255 if how != "float" else 3e-6)
        covered.append(low <= epsilon <= high)
    assert np.mean(covered) >= 0.94


@pytest.mark.parametrize("how", ["float", "nearest"])
@pytest.mark.parametrize("again", [1, 10])
def test_the_interval_of_a_length_holds_its_estimate_and_covers(how, again, rng):
    """One step of known length, clipped, and steps that make good what was clipped: on images with much black."""
    covered = []
    for epsilon in rng.uniform(0.3, 3, 200):
        images = np.rint(255 * np.clip(rng.normal(0, 0.5, (60, 1, 12, 12)), 0, 1)) / 255
        direction = rng.normal(size=images.shape)
        moved = images
        for _ in range(again):
            step = (moved - images) + direction
            step *= epsilon / np.sqrt((step**2).sum((1, 2, 3), keepdims=True))
            moved = np.clip(images + step, 0, 1)
        norm, estimate, (low, high), _ = _size(images.astype(np.float32), rounded(moved, how))
        assert norm == "l2"
        assert low <= estimate <= high
        covered.append(low <= epsilon <= high)
    assert np.mean(covered) >= 0.94


@pytest.mark.parametrize("spec", ["adversarial:epsilon=0.1", "adversarial:epsilon=2,norm=l2"])
@pytest.mark.parametrize("source", ["another seed", "another architecture"])
def test_an_attack_on_another_model_is_told_as_one(spec, source, few, perceptrons, convolutional):
    aimed = {"another seed": perceptrons[1], "another architecture": convolutional}[source]
    result = adversarial_evidence(perceptrons[0], few.images, attacked(few, spec, aimed), few.labels)
    assert result.is_adversarial
    assert result.aimed_at == "another model"
    assert "at another model" in result.sentence


@pytest.mark.parametrize(
    "spec",
    [
        "sign_noise:epsilon=0.1",
        "sign_noise:epsilon=0.3",
        "sign_noise:epsilon=0.2,clip=false",
        "uniform_noise:half_width=0.3",
        "gaussian_noise:sd=0.2",
        "fixed_pattern:sd=0.2",
        "impulse_noise:fraction=0.1",
        "speckle_noise:sd=0.5",
        "offset:amount=0.2",
        "gaussian_blur:sd=1.2",
        "rotate:angle=15",
        "elastic:amplitude=1.5,smoothness=4",
        "identity",
    ],
)
@pytest.mark.parametrize("of", ["perceptron", "convolutional"])
def test_what_was_not_aimed_is_no_attack(spec, of, few, request):
    model = request.getfixturevalue(of)
    result = adversarial_evidence(model, few.images, shift(few, spec, 3).images, few.labels)
    assert not result.is_adversarial
    assert result.probability < 0.1
    assert result.aimed_at is None


def test_an_attack_transplanted_to_other_images_is_none_on_them(few, perceptron, generator):
    shifted = attacked(few, "adversarial:epsilon=0.15", perceptron)
    moved = transplanted_residual(few.images, shifted, generator)
    assert not adversarial_evidence(perceptron, few.images, moved, few.labels).is_adversarial


def test_an_attack_with_its_signs_shuffled_is_noise(few, perceptron, generator):
    shifted = attacked(few, "adversarial:epsilon=0.15", perceptron)
    moved = shuffled_residual(few.images, shifted, generator)
    result = adversarial_evidence(perceptron, few.images, moved, few.labels)
    assert result.probability < 0.05
    assert result.worse_p > 1e-3


def test_the_shuffled_control_keeps_size_and_signs(few, generator):
    shifted = shift(few, "sign_noise:epsilon=0.2", 0).images
    control = shuffled_residual(few.images, shifted, generator)
    black = few.images == 0
    for statistic in (lambda r: np.abs(r).max((1, 2, 3)), lambda r: np.where(black, r, 0).sum((1, 2, 3))):
        given, made = statistic(shifted - few.images), statistic(control - few.images)
        assert np.allclose(given, made, atol=1e-4)
    assert np.abs(control - shifted).max() > 0.1


def test_labels_are_not_needed_where_the_model_answers_well(few, perceptron):
    shifted = attacked(few, "adversarial:epsilon=0.1", perceptron)
    assert adversarial_evidence(perceptron, few.images, shifted).aimed_at == "this model"


def test_transfer_and_denoising_are_measured(few, perceptrons, convolutional):
    shifted = attacked(few, "adversarial:epsilon=0.15", perceptrons[0])
    others = {"seed 1": perceptrons[1], "trunk": convolutional}
    result = adversarial_evidence(perceptrons[0], few.images, shifted, few.labels, others=others)
    assert [transfer.model for transfer in result.transfer] == ["seed 1", "trunk"]
    for transfer in result.transfer:
        assert result.accuracy.shifted < transfer.shifted < transfer.shuffled
    least, most = sorted(transfer.shifted for transfer in result.transfer)
    left = f"it leaves {100 * least:.1f}% to {100 * most:.1f}% of"
    assert f"On 2 other models (seed 1 to trunk), at which it was not aimed, {left}" in result.sentence
    assert result.denoised["median 3 × 3"][1] > result.accuracy.shifted


def test_evidence_is_json_and_leaves_the_model_as_it_was(few, perceptron):
    perceptron.train()
    before = {name: tensor.clone() for name, tensor in perceptron.state_dict().items()}
    result = adversarial_evidence(perceptron, few.images, shift(few, "sign_noise:epsilon=0.1", 0).images, few.labels)
    assert json.loads(json.dumps(result.to_json()))["is_adversarial"] is False
    assert perceptron.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in perceptron.state_dict().items())
    assert all(weights.grad is None for weights in perceptron.parameters())
    perceptron.eval()
