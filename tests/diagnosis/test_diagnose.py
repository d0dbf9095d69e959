"""The whole diagnosis: verdicts on small sets, the JSON that machines read, and what it says to bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.family import FAMILIES

KEYS = {"schema", "pairing", "verdict", "candidates", "accuracy", "ceiling", "explanation"}
OF_A_VERDICT = {
    "family",
    "parameters",
    "intervals",
    "level",
    "scope",
    "share",
    "information",
    "confidence",
    "equivalent",
    "evidence",
    "shift",
}
ACCURACIES = {"reference", "shifted", "reproduced", "restored_with_partner", "restored_blind"}


def swirled(images):
    y, x = np.mgrid[:28, :28] - 13.5
    radius = np.hypot(x, y)
    angle = np.arctan2(y, x) + 2.2 * np.exp(-radius / 7)
    places = [radius * np.sin(angle) + 13.5, radius * np.cos(angle) + 13.5]
    return np.stack([map_coordinates(image[0], places, order=1) for image in images])[:, None].astype(np.float32)


@pytest.mark.parametrize(
    ("spec", "family", "scope", "parameters"),
    [
        ("identity", "identity", None, {}),
        ("rotate:angle=15", "rotate", "shared", {"angle": 15.0}),
        ("gain:factor=0.4", "gain", "shared", {"factor": 0.4}),
        ("gaussian_noise:sd=0.2", "gaussian_noise", "per_image", {"sd": 0.2}),
        ("rescale:scale=255", "rescale", "shared", {"scale": 255.0}),
        ("pixel_permutation:scope=per_image", "pixel_permutation", "per_image", {}),
        ("label_misalignment:offset=1", "label_misalignment", None, {"offset": 1}),
    ],
)
def test_the_shift_is_named_with_its_numbers(spec, family, scope, parameters, few):
    verdict = diagnose(few, shift(few, spec, seed=3)).verdict
    assert (verdict.family, verdict.scope) == (family, scope)
    for name, value in parameters.items():
        assert verdict.parameters[name] == pytest.approx(value, rel=0.05)
    assert verdict.confidence > 0.8


def test_a_shift_of_half_of_the_images_carries_its_share(few):
    turned = shift(few, "rotate:angle=30").images
    half = np.where((np.arange(len(few)) % 2 == 0)[:, None, None, None], turned, few.images)
    verdict = diagnose(few, replace(few, images=half)).verdict
    assert verdict.family == "rotate"
    assert verdict.share == pytest.approx(0.5, abs=0.02)


@pytest.mark.torture
def test_pictures_on_white_move_as_those_on_black_do(few):
    some = few.first(100)
    turned = shift(some, "rotate:angle=20")
    white = [replace(images, images=1 - images.images) for images in (some, turned)]
    verdict = diagnose(*white).verdict
    assert verdict.family == "rotate"
    assert verdict.parameters["fill"] == 1.0
    assert verdict.parameters["angle"] == pytest.approx(20, abs=0.1)


@pytest.mark.torture
def test_no_map_passes_by_moving_the_picture_out_of_sight(few):
    some = few.first(100)
    outcome = diagnose(some, shift(shift(some, "pixel_permutation", seed=3), "invert"))
    assert outcome.verdict.family not in ("affine", "perspective", "scale", "rotate", "translate", "shear")


@pytest.mark.torture
def test_a_swirl_is_unknown_and_its_nearest_families_are_listed(few):
    some = few.first(80)
    outcome = diagnose(some, replace(some, images=swirled(some.images)))
    assert (outcome.verdict.family, outcome.verdict.shift, outcome.verdict.scope) == ("unknown", None, None)
    assert outcome.candidates[0].misfit > 0.15
    kinds = {frozenset((part.family, part.scope) for part in c.parts) for c in outcome.candidates}
    assert len(kinds) == len(outcome.candidates) > 3
    assert "Nothing in the catalogue" in outcome.explanation


@pytest.mark.parametrize(
    ("spec", "left_out", "answers"),
    [
        pytest.param("gaussian_noise:sd=0.15", "gaussian_noise", ["unknown"], marks=pytest.mark.torture),
        ("invert", "invert", ["rescale"]),
        ("threshold:level=0.5", "threshold", ["quantize"]),
        pytest.param("glass_blur:sd=0.9,reach=2,rounds=1", "glass_blur", ["unknown"], marks=pytest.mark.torture),
        pytest.param("canny_edges", "canny_edges", ["unknown"], marks=pytest.mark.torture),
    ],
)
def test_what_is_taken_out_of_the_catalogue_is_not_called_by_another_name(spec, left_out, answers, few, monkeypatch):
    shifted = shift(few, spec)
    monkeypatch.delitem(FAMILIES._entries, left_out)
    assert diagnose(few, shifted).verdict.family in answers


def test_the_json_has_its_keys_and_survives_the_round_trip(few, perceptron):
    diagnosis = diagnose(few, shift(few, "gain:factor=0.4"), model=perceptron)
    content = diagnosis.to_json()
    again = json.loads(json.dumps(content, allow_nan=False))
    assert again == content
    assert Diagnosis.from_json(again).to_json() == content
    assert Diagnosis.from_json(again).verdict.shift == diagnosis.verdict.shift
    assert set(content) >= KEYS
    assert set(content["verdict"]) == OF_A_VERDICT
    assert set(content["accuracy"]) == ACCURACIES
    assert content["schema"] == "shiftassay.diagnosis/1"
    assert content["pairing"]["kind"] == "same_order"
    assert content["ceiling"] is None
    assert all({"family", "parameters", "scope", "score"} <= set(c) for c in content["candidates"])
    assert content["accuracy"]["reproduced"] == pytest.approx(content["accuracy"]["shifted"], abs=0.01)


def test_too_few_images_without_partners_are_refused(few):
    with pytest.raises(BadInput, match=r"49 images, of which none has a partner.*at least 50 images a set"):
        diagnose(few.first(49), few.first(97).subset(np.arange(49, 97)))


def test_a_crop_is_found_between_two_sizes(few):
    verdict = diagnose(few, ImageSet(np.ascontiguousarray(few.images[..., :24]), few.labels, "cropped")).verdict
    assert (verdict.family, verdict.parameters["box"]) == ("crop", [0, 0, 24, 28])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(bad, few):
    images = few.images.copy()
    images[3, 0, 5, 5] = bad
    with pytest.raises(BadInput, match="broken: it holds NaN or infinity"):
        diagnose(few, ImageSet(images, few.labels, "broken"))


def test_labels_of_one_set_only_are_said(few):
    outcome = diagnose(few, replace(shift(few, "invert"), labels=None, name="bare"))
    assert outcome.verdict.family == "invert"
    assert any("bare has no labels" in note for note in outcome.notes)


def test_a_model_of_another_input_is_refused(perceptron, rng):
    images = ImageSet(rng.random((60, 1, 20, 20)).astype(np.float32), np.arange(60) % 10, "small")
    with pytest.raises(BadInput, match="can't take images"):
        diagnose(images, shift(images, "invert"), model=perceptron)


def test_labels_that_changed_besides_the_images_are_named_too(few):
    mapping = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    verdict = diagnose(few, shift(few, f"invert+label_permutation:mapping={mapping}")).verdict
    assert [part["family"] for part in verdict.parameters["parts"]] == ["label_permutation", "invert"]
    assert verdict.parameters["parts"][0]["parameters"]["mapping"] == mapping


@pytest.mark.torture
def test_two_maps_of_grey_values_are_found_together(few):
    verdict = diagnose(few, shift(few, "offset:amount=0.2+gamma:exponent=2")).verdict
    offset, gamma = verdict.parameters["parts"]
    assert (offset["family"], gamma["family"]) == ("offset", "gamma")
    assert offset["parameters"]["amount"] == pytest.approx(0.2, abs=0.01)
    assert gamma["parameters"]["exponent"] == pytest.approx(2, rel=0.05)


@pytest.mark.torture
def test_a_darker_set_with_noise_on_top_is_two_shifts(few):
    verdict = diagnose(few, shift(few, "gain:factor=0.5+gaussian_noise:sd=0.15", seed=1)).verdict
    assert [part["family"] for part in verdict.parameters["parts"]] == ["gain", "gaussian_noise"]


@pytest.mark.parametrize("side", [0, 1])
def test_images_of_one_grey_value_are_refused(side, few):
    sets = [few, few]
    sets[side] = replace(few, images=np.full_like(few.images, 0.5))
    with pytest.raises(BadInput, match=r"same value, 0\.5"):
        diagnose(*sets)
