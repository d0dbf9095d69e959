"""Each mechanism is said where it was planted, and not where it was left out and all else is the same or like."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.diagnosis import mechanisms as mechanisms_room
from shiftassay.diagnosis.controls import MATCHED, shuffled_residual, transplanted_residual
from shiftassay.diagnosis.mechanisms import MEASURES, case_of, measured_on, mechanisms
from shiftassay.diagnosis.mechanisms.aim import adds_up, cancels
from shiftassay.diagnosis.mechanisms.biases import biases
from shiftassay.diagnosis.mechanisms.calibration import overconfident
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.mechanisms.class_prior import class_prior
from shiftassay.diagnosis.mechanisms.labels import out_of_step, renumbered, wrong_labels
from shiftassay.diagnosis.mechanisms.layers import dies_out, grows
from shiftassay.diagnosis.mechanisms.margins import first_order, narrow_margins_lost, within_margins
from shiftassay.diagnosis.mechanisms.matched import without_harmless_control
from shiftassay.diagnosis.mechanisms.places import no_linear_map, one_linear_map, other_weights
from shiftassay.diagnosis.mechanisms.separation import classes_merge, network_merges
from shiftassay.diagnosis.mechanisms.span import outside_span
from shiftassay.diagnosis.mechanisms.units import beyond_range, silent_units, woken_units
from shiftassay.diagnosis.mechanisms.whereabouts import in_one_band, in_one_place
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.family import Context


@pytest.fixture(scope="module")
def thousand(learned) -> ImageSet:
    return learned.test


def measured(measure, model, reference, spec, paired=True, train=None):
    """A mechanism's answer to a shift of the catalogue, or to a shifted set."""
    if isinstance(spec, str):
        context = Context(reference.labels, model) if spec.startswith("adversarial") else None
        spec = shift(reference, spec, 1, context)
    return measure(case_of(model, reference, spec, train=train, paired=paired))


def sentence(*arguments, **options) -> bool:
    result = measured(*arguments, **options)
    return result is not None and result.present


class Tanh(nn.Module):
    """The same weights with another activation: no longer homogeneous."""

    def __init__(self, model):
        super().__init__()
        self.card = model.card
        self.linear = nn.ModuleList(m for m in model.network.layers if isinstance(m, nn.Linear))

    def forward(self, images):
        x = ((images - self.card.mean) / self.card.sd).flatten(1)
        for layer in self.linear[:-1]:
            x = torch.tanh(layer(x))
        return self.linear[-1](x)


class Unsure(nn.Module):
    """The same answers, and hardly surer of one than of another."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model(images) / 100


# Labels


def test_renumbered_classes_are_found_and_right_numbers_are_not(thousand, perceptron):
    result = measured(renumbered, perceptron, thousand, "label_permutation:mapping=[1,2,0,3,4,5,6,7,9,8]")
    assert result.present
    assert result.numbers["mapping"] == [1, 2, 0, 3, 4, 5, 6, 7, 9, 8]
    assert not sentence(renumbered, perceptron, thousand, "label_noise:fraction=0.4")
    assert not sentence(renumbered, perceptron, thousand, "pixel_permutation")


def test_labels_out_of_step_are_found_and_shuffled_ones_are_not(thousand, perceptron):
    result = measured(out_of_step, perceptron, thousand, "label_misalignment:offset=7")
    assert result.present
    assert result.numbers["offset"] == 7
    assert not sentence(out_of_step, perceptron, thousand, "label_misalignment")
    assert not sentence(out_of_step, perceptron, thousand, "pixel_permutation")


def test_an_offset_is_found_in_sets_larger_than_what_is_measured_on(mnist, perceptron):
    assert sentence(out_of_step, perceptron, mnist.test, "label_misalignment:offset=3")


@pytest.mark.parametrize("paired", [True, False])
def test_wrong_labels_are_told_from_hard_images(paired, thousand, perceptron):
    assert sentence(wrong_labels, perceptron, thousand, "label_noise:fraction=0.3", paired=paired)
    assert sentence(wrong_labels, perceptron, thousand, "label_misalignment", paired=paired)
    assert not sentence(wrong_labels, perceptron, thousand, "gaussian_noise:sd=0.5", paired=paired)
    assert not sentence(wrong_labels, perceptron, thousand, "invert", paired=paired)
    assert not sentence(wrong_labels, perceptron, thousand, "label_misalignment:offset=7", paired=paired)


def test_a_new_prior_explains_accuracy_and_noise_on_top_is_not_explained_by_it(thousand, perceptron):
    recall = np.array([(perceptron_right(perceptron, thousand, k)) for k in range(10)])
    proportions = np.where(recall <= np.sort(recall)[1], 0.4, 0.025)
    new = shift(thousand, f"class_prior:proportions={(proportions / proportions.sum()).tolist()}".replace(" ", ""), 0)
    assert sentence(class_prior, perceptron, thousand, new, paired=False)
    noisy = shift(new, "gaussian_noise:sd=0.8", 0)
    assert not sentence(class_prior, perceptron, thousand, noisy, paired=False)
    assert not sentence(class_prior, perceptron, thousand, thousand, paired=False)


def perceptron_right(model, images, k):
    which = images.labels == k
    return float((model(torch.from_numpy(images.images[which])).argmax(1) == k).float().mean())


# Gain


def test_a_gain_acts_through_biases_and_not_so_with_another_activation(thousand, perceptron, convolutional):
    for model in (perceptron, convolutional):
        result = measured(biases, model, thousand, "gain:factor=0.2")
        assert result.present
        assert result.numbers["same_with_biases_scaled"] > 0.999
        assert result.numbers["biases_share"] > result.numbers["biases_share_reference"]
    assert not sentence(biases, Tanh(perceptron), thousand, "gain:factor=0.2")
    assert not sentence(biases, perceptron, thousand, "gamma:exponent=2")
    assert not sentence(biases, perceptron, thousand, "identity")


def test_gains_that_differ_between_images_act_through_biases_too(thousand, perceptron):
    assert sentence(biases, perceptron, thousand, "gain:factor=0.2..0.8,scope=per_image")


# What adds up, and what cancels


def test_an_attack_adds_up_and_its_controls_cancel_or_say_nothing(thousand, perceptron, generator):
    shifted = shift(thousand, "adversarial:epsilon=0.1", 0, Context(thousand.labels, perceptron))
    assert sentence(adds_up, perceptron, thousand, shifted)
    assert not sentence(cancels, perceptron, thousand, shifted)
    for control in (shuffled_residual, transplanted_residual):
        moved = ImageSet(control(thousand.images, shifted.images, generator), thousand.labels)
        assert not sentence(adds_up, perceptron, thousand, moved)


def test_independent_noise_cancels_and_smooth_change_does_not(thousand, perceptron):
    assert sentence(cancels, perceptron, thousand, "sign_noise:epsilon=0.1")
    assert not sentence(cancels, perceptron, thousand, "identity")
    assert not sentence(cancels, perceptron, thousand, "offset:amount=0.2")
    assert not sentence(cancels, perceptron, thousand, "elastic:amplitude=1,smoothness=4")


def test_an_attack_grows_through_the_layers_and_its_shuffled_residual_does_not(thousand, perceptron, generator):
    shifted = shift(thousand, "adversarial:epsilon=0.1", 0, Context(thousand.labels, perceptron))
    assert sentence(grows, perceptron, thousand, shifted)
    noise = ImageSet(shuffled_residual(thousand.images, shifted.images, generator), thousand.labels)
    assert not sentence(grows, perceptron, thousand, noise)


def test_noise_dies_out_but_not_in_a_network_that_keeps_all_distances(thousand, perceptron):
    noisy = shift(thousand, "sign_noise:epsilon=0.1", 0)
    assert sentence(dies_out, perceptron, thousand, noisy)
    turn = nn.Linear(784, 784)
    nn.init.orthogonal_(turn.weight)
    isometry = nn.Sequential(nn.Flatten(), turn)
    answers = isometry(torch.from_numpy(thousand.images)).argmax(1).numpy()
    kept = ImageSet(thousand.images, answers)
    assert not sentence(dies_out, isometry, kept, ImageSet(noisy.images, answers))


# Margins


def test_wide_margins_hold_and_narrow_ones_do_not(thousand, perceptron):
    assert sentence(within_margins, perceptron, thousand, "sign_noise:epsilon=0.05")
    assert not sentence(within_margins, perceptron, thousand, "identity")
    assert not sentence(within_margins, perceptron, thousand, "adversarial:epsilon=0.1")
    assert not sentence(within_margins, perceptron, thousand, "pixel_permutation")


def test_narrow_margins_are_lost_unless_it_is_chance_which_images_are_hit(thousand, perceptron, generator):
    assert sentence(narrow_margins_lost, perceptron, thousand, "gaussian_noise:sd=0.6")
    hit = generator.random(len(thousand)) < 0.3
    blackened = ImageSet(np.where(hit[:, None, None, None], 0, thousand.images).astype(np.float32), thousand.labels)
    assert not sentence(narrow_margins_lost, perceptron, thousand, blackened)


def test_small_changes_are_linear_but_not_to_a_network_of_steps(thousand, perceptron):
    assert sentence(first_order, perceptron, thousand, "sign_noise:epsilon=0.05")
    assert not sentence(first_order, perceptron, thousand, "identity")
    assert not sentence(first_order, perceptron, thousand, "pixel_permutation")

    class Steps(nn.Module):  # flat almost everywhere: a gradient that foretells nothing
        def forward(self, images):
            return perceptron(images.detach().round() + 0 * images)

    assert not sentence(first_order, Steps(), thousand, "gaussian_noise:sd=0.3")


# Places


@pytest.mark.parametrize("spec", ["pixel_permutation", "translate:dx=5,dy=0", "flip_horizontal"])
def test_pixels_that_moved_together_meet_other_weights_and_one_map_undoes_it(spec, thousand, perceptron):
    for measure in (other_weights, one_linear_map):
        assert sentence(measure, perceptron, thousand, spec)
    assert not sentence(no_linear_map, perceptron, thousand, spec)


def test_pixels_that_moved_apart_meet_other_weights_and_no_map_undoes_it(thousand, perceptron):
    spec = "pixel_permutation:scope=per_image"
    assert sentence(other_weights, perceptron, thousand, spec)
    assert sentence(no_linear_map, perceptron, thousand, spec)
    assert not sentence(one_linear_map, perceptron, thousand, spec)


def test_values_that_changed_in_their_places_are_not_pixels_that_moved(thousand, perceptron):
    for spec in ("invert", "gaussian_noise:sd=0.6", "adversarial:epsilon=0.15"):
        for measure in (other_weights, one_linear_map, no_linear_map):
            assert not sentence(measure, perceptron, thousand, spec)


def test_a_network_that_does_not_mind_places_does_not_say_it(thousand, perceptron):
    class SortedFirst(nn.Module):
        def forward(self, images):
            return perceptron(images.flatten(1).sort(1).values.view_as(images))

    model = SortedFirst()
    answers = model(torch.from_numpy(thousand.images)).argmax(1).numpy()
    known = ImageSet(thousand.images, answers)
    assert not sentence(other_weights, model, known, "pixel_permutation")


def test_an_occlusion_harms_in_one_place_and_noise_everywhere(thousand, perceptron):
    result = measured(in_one_place, perceptron, thousand, "occlusion:top=8,left=8,height=12,width=12")
    assert result.present
    assert result.numbers["rows"] == [8, 19]
    assert result.numbers["columns"] == [8, 19]
    assert not sentence(in_one_place, perceptron, thousand, "gaussian_noise:sd=0.6")
    assert not sentence(in_one_place, perceptron, thousand, "gain:factor=0.1")


def test_coarse_noise_harms_a_perceptron_and_no_band_more_than_another_a_network_that_reads_one_pixel(
    thousand, perceptron
):
    noise = "gaussian_noise:sd=0.6,clip=false"
    coarse = measured(in_one_band, perceptron, thousand, noise)
    assert coarse.present
    assert coarse.numbers["harmful"] == "coarse"

    class Center(nn.Module):  # reads one pixel, which holds all frequencies alike
        def forward(self, images):
            at = images[:, :, 14, 14].mean(1, keepdim=True) - 0.4
            return torch.cat([-at, at], 1)

    labels = (thousand.images[:, 0, 14, 14] > 0.4).astype(np.int64)
    assert not sentence(in_one_band, Center(), ImageSet(thousand.images, labels), noise)


# What the training images never did


class Outside(nn.Module):
    """A model that also hears the corners, where training images are black."""

    def __init__(self, model, loud):
        super().__init__()
        self.model, self.loud = model, loud

    def forward(self, images):
        corner = images[:, 0, :3, :3].flatten(1).sum(1, keepdim=True)
        vote = torch.zeros(1, 10)
        vote[0, 3] = self.loud
        return self.model(images) + corner * vote


def test_energy_outside_the_span_is_said_where_it_harms_and_not_where_the_network_is_deaf_to_it(
    thousand, learned, perceptron
):
    bright = thousand.images.copy()
    bright[:, :, :3, :3] = np.random.default_rng(0).random(bright[:, :, :3, :3].shape)
    shifted = ImageSet(bright, thousand.labels)
    result = measured(outside_span, Outside(perceptron, 20.0), thousand, shifted, train=learned.train)
    assert result.present
    assert result.numbers["projected"] > 0.85
    assert not sentence(outside_span, Outside(perceptron, 0.0), thousand, shifted, train=learned.train)
    assert not sentence(
        outside_span, perceptron, thousand, "occlusion:top=8,left=8,height=12,width=12", train=learned.train
    )


class OneUnit(nn.Module):
    """A model of which one first-layer unit is driven out of its range, and matters or not."""

    def __init__(self, model, matters):
        super().__init__()
        self.first = nn.Linear(784, 785)
        with torch.no_grad():
            self.first.weight.copy_(torch.cat([torch.eye(784), torch.zeros(1, 784)]))
            self.first.weight[784, :28] = 1.0  # the top row
            self.first.bias.zero_()
        self.model, self.second, self.matters = model, nn.Linear(1, 10, bias=False), matters
        nn.init.zeros_(self.second.weight)
        with torch.no_grad():
            self.second.weight[1] = 5.0 if matters else 0.0

    def forward(self, images):
        x = self.first(images.flatten(1))
        return self.model(x[:, :784].view_as(images)) + self.second(x[:, 784:])


def test_units_beyond_their_range_are_said_where_holding_them_helps(thousand, perceptron):
    loud = thousand.images.copy()
    loud[:, :, 0] = 1.0
    assert sentence(beyond_range, OneUnit(perceptron, True), thousand, ImageSet(loud, thousand.labels))
    occluded = shift(thousand, "occlusion:top=8,left=8,height=12,width=12", 0)
    assert not sentence(beyond_range, OneUnit(perceptron, True), thousand, occluded)


class Gate(nn.Module):
    """Half of the units fire for bright images only, the others for dark ones."""

    def __init__(self, gated):
        super().__init__()
        self.units, self.out = nn.Linear(784, 40), nn.Linear(40, 10)
        sign = torch.where(torch.arange(40) < 20, 1.0, -1.0)
        with torch.no_grad():
            self.units.weight.copy_(sign[:, None] * torch.ones(40, 784) / 784 * gated)
            self.units.bias.copy_(-sign * 0.5 * gated + (1 - gated))

    def forward(self, images):
        return self.out(torch.relu(self.units(images.flatten(1))))


def test_units_that_fall_silent_and_wake_are_counted(thousand):
    for measure in (silent_units, woken_units):
        result = measured(measure, Gate(1.0), thousand, "invert")
        assert result.present
        assert result.numbers["share"] == 0.5
        assert not sentence(measure, Gate(0.0), thousand, "invert")
        assert not sentence(measure, Gate(1.0), thousand, "identity")


# Classes


def test_who_merges_classes_is_told_apart(thousand, perceptron):
    assert sentence(classes_merge, perceptron, thousand, "pixel_permutation:scope=per_image")
    assert not sentence(network_merges, perceptron, thousand, "pixel_permutation:scope=per_image")
    assert sentence(network_merges, perceptron, thousand, "pixel_permutation")
    assert not sentence(classes_merge, perceptron, thousand, "pixel_permutation")


def test_overconfidence_is_said_of_a_network_that_is_sure_and_not_of_one_that_is_not(thousand, perceptron):
    assert sentence(overconfident, perceptron, thousand, "translate:dx=4,dy=2")
    assert not sentence(overconfident, Unsure(perceptron), thousand, "translate:dx=4,dy=2")
    assert not sentence(overconfident, perceptron, thousand, "label_noise:fraction=0.3")


# Matched controls


def test_what_a_harmless_change_of_the_same_size_has_too_is_no_reason(thousand, learned, perceptron):
    """Only corners are heard: as much energy elsewhere is outside the span as well, and harmless."""
    bright = thousand.images.copy()
    bright[:, :, :3, :3] = np.random.default_rng(0).random(bright[:, :, :3, :3].shape)
    shifted, model = ImageSet(bright, thousand.labels), Outside(perceptron, 20.0)
    assert measured(outside_span, model, thousand, shifted, train=learned.train).present
    found = {m.name: m for m in mechanisms(model, thousand, shifted, train=learned.train)}
    span = found["outside_span"]
    assert not span.present
    assert span.control.refutes
    assert span.control.accuracy > 0.8
    assert span.control.extent.value > span.control.extent.limit
    assert "and there too" in span.sentence
    assert found["in_one_place"].present


def test_that_narrow_margins_are_lost_explains_no_attack_since_harmless_noise_loses_them_too(thousand, perceptron):
    attacked = shift(thousand, "adversarial:epsilon=0.05", 0, Context(thousand.labels, perceptron))
    narrow = next(m for m in mechanisms(perceptron, thousand, attacked) if m.name == "narrow_margins_lost")
    assert narrow.control is not None
    assert narrow.control.refutes
    assert not narrow.present


@pytest.mark.parametrize("name", ["overconfident", "first_order"])
def test_what_only_describes_the_network_is_no_reason(name):
    assert not Mechanism(name, True, "", {}).explains
    assert Mechanism("adds_up", True, "", {}).explains
    assert not Mechanism("adds_up", False, "", {}).explains


def test_what_no_harmless_change_has_stays_a_reason(thousand, perceptron):
    attacked = shift(thousand, "adversarial:epsilon=0.1", 0, Context(thousand.labels, perceptron))
    grows = next(m for m in mechanisms(perceptron, thousand, attacked) if m.name == "grows")
    assert grows.present
    assert grows.control.harmless
    assert not grows.control.refutes
    assert "is nearly harmless" in grows.sentence


@pytest.mark.parametrize("control", MATCHED.values())
def test_controls_are_drawn_alike_for_all_mechanisms_and_as_large(control, thousand, generator):
    shifted = shift(thousand, "sign_noise:epsilon=0.1", 1).images
    change = control(thousand.images, shifted, generator) - thousand.images
    assert np.abs(change).max() <= 0.1 + 1e-6
    sizes = [np.linalg.norm(x.reshape(len(x), -1), axis=1).mean() for x in (change, shifted - thousand.images)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_where_every_change_of_the_size_harms_it_is_said(thousand, perceptron):
    found = mechanisms(perceptron, thousand, shift(thousand, "pixel_permutation", 1))
    alone = [m for m in found if m.present and m.control is not None and not m.control.harmless]
    assert "one_linear_map" in [m.name for m in alone]
    [sentence] = without_harmless_control(found)
    assert sentence.startswith("Not confirmed (each weight on the pixels")
    assert not without_harmless_control([m for m in found if m.control is None])


# All of them


@pytest.mark.parametrize("of", ["perceptron", "convolutional"])
def test_on_the_same_images_nothing_is_said(of, thousand, request):
    result = mechanisms(request.getfixturevalue(of), thousand, thousand)
    assert len(result) > 5
    assert [mechanism.name for mechanism in result if mechanism.present] == []


def test_on_two_halves_of_a_set_nothing_is_said(mnist, perceptron):
    halves = [ImageSet(mnist.test.images[k::2], mnist.test.labels[k::2]) for k in range(2)]
    assert [m.name for m in mechanisms(perceptron, *halves, paired=False) if m.present] == []


def test_every_mechanism_has_a_name_of_its_own_and_is_json(thousand, convolutional):
    result = mechanisms(convolutional, thousand, shift(thousand, "rotate:angle=50", 0), train=thousand)
    names = [mechanism.name for mechanism in result]
    assert len(set(names)) == len(names)
    assert set(names) <= {measure.__name__ for measure in MEASURES}
    again = json.loads(json.dumps([mechanism.to_json() for mechanism in result]))
    assert [m["name"] for m in again] == names
    for mechanism in result:
        if mechanism.present:
            assert mechanism.sentence.endswith(".")


def test_without_labels_the_models_own_answers_stand_in(thousand, perceptron):
    bare = ImageSet(thousand.images)
    result = mechanisms(perceptron, bare, shift(bare, "pixel_permutation", 0))
    assert "one_linear_map" in [m.name for m in result if m.present]


def test_colour_images_and_models_without_weights_are_measured(generator):
    images = generator.random((120, 3, 8, 8), np.float32)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    reference = ImageSet(images, images.mean((2, 3)).argmax(1))
    assert mechanisms(model, reference, ImageSet(images[:, ::-1].copy(), reference.labels))


@pytest.mark.parametrize(("shape", "count"), [((1, 28, 28), 500), ((3, 224, 224), 64)])
def test_of_large_images_fewer_are_asked_for_gradients(shape, count):
    images = ImageSet(np.full((3, *shape), 0.5, np.float32))
    assert case_of(nn.Identity(), images, images).gradient_images == count


@pytest.mark.parametrize(("shape", "n"), [((3000, 1, 28, 28), 2000), ((50, 1, 28, 28), 50), ((120, 3, 224, 224), 111)])
def test_of_large_images_fewer_are_measured(shape, n):
    assert measured_on(ImageSet(np.zeros(shape, np.float32))) == n


def test_a_hundred_are_measured_however_large_they_are(monkeypatch):
    monkeypatch.setattr(mechanisms_room, "SETTINGS", replace(SETTINGS, mechanism_values=1))
    assert measured_on(ImageSet(np.zeros((120, 1, 9, 9), np.float32))) == 100
