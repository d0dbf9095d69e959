"""Repairs of a small model: what is recommended, on which images it is judged, and on which it is trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import shiftassay.repairs.bench as bench_room
from shiftassay.diagnosis.ceiling.ceiling import Above, Ceiling
from shiftassay.diagnosis.ceiling.nearest import NearestNeighbors
from shiftassay.diagnosis.ceiling.sufficiency import Sufficiency
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.errors import BadInput
from shiftassay.evaluation.attack_set import QUICK
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict
from shiftassay.repairs.bench import Bench, Half, halves_of, part, right_of
from shiftassay.repairs.judge import try_strategy
from shiftassay.repairs.keep import keep
from shiftassay.repairs.repair import repair
from shiftassay.repairs.result import Repair
from shiftassay.repairs.retrain import Retrain
from shiftassay.repairs.tasks import tasks_of, training_images
from shiftassay.shifts.catalog import parse, shift
from shiftassay.shifts.families.attack import Adversarial
from shiftassay.shifts.family import Context

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "shifted-test-sets.json"


@pytest.fixture(scope="module")
def repaired(small, mnist, model):
    """Repairs of shifts by name, each made once. A permutation is not found out from fewer images."""
    made = {}

    def of(name):
        if name not in made:
            images = mnist.test.first(1600 if name == "pixel_permutation" else 500)
            made[name] = repair(images, shift(images, name, 3), model=model, train=small.train, epochs=1, quick=True)
        return made[name]

    return of


def attempt_of(result, strategy):
    return next(a for a in result.attempts if a.strategy == strategy)


def test_there_is_nothing_to_repair_where_nothing_happened(repaired):
    result = repaired("identity")
    assert (result.outcome, result.recommended, result.attempts) == ("nothing_to_repair", None, ())
    assert "the images are as they were" in result.sentence


def test_there_is_nothing_to_repair_where_nothing_was_lost(repaired):
    result = repaired("gaussian_noise:sd=0.02")
    assert result.outcome == "nothing_to_repair"
    assert "the shift is found (gaussian_noise), a loss of accuracy is not" in result.sentence


def test_labels_are_not_what_a_model_is_repaired_for(repaired):
    assert repaired("label_permutation:mapping=[1,2,3,4,5,6,7,8,9,0]").outcome == "nothing_to_repair"


@pytest.mark.parametrize(
    "name", [pytest.param("pixel_permutation", marks=pytest.mark.torture), "rotate:angle=40", "invert"]
)
def test_a_shared_shift_is_undone(name, repaired):
    result = repaired(name)
    undo = attempt_of(result, "undo")
    assert (result.outcome, result.recommended) == ("repaired", "undo")
    assert undo.variant.direction == "higher"
    assert undo.variant.after.estimate == pytest.approx(result.clean.estimate, abs=0.02)
    assert undo.clean.after.estimate < result.clean.estimate
    assert undo.assumption.startswith("the variant id of each image (clean: ")
    assert (undo.cost.parameters_added, undo.cost.parameters_trained, undo.cost.epochs) == (0, 0, 0)


def test_a_linear_inverse_moves_into_the_first_layer_without_training(repaired):
    result = repaired("invert")
    undo, adapt = attempt_of(result, "undo"), attempt_of(result, "adapt")
    assert "one linear map in front of layer 1" in adapt.what
    assert adapt.cost.parameters_trained == 0
    assert np.mean(undo.variant_right == adapt.variant_right) > 0.99


@pytest.mark.torture
def test_what_a_fresh_permutation_destroys_is_not_called_repaired(repaired):
    result = repaired("pixel_permutation:scope=per_image")
    assert result.outcome in ("information_lost", "no_repair_found")
    assert result.chosen is None or result.chosen.strategy == "none"
    best = max(a.variant.after.estimate for a in result.attempts)
    assert {"retrain", "architecture"} <= {a.strategy for a in result.attempts}
    assert f"{100 * best:.2f}%" in result.sentence
    assert "undo" in result.skipped


@pytest.mark.parametrize(
    ("above", "outcome"),
    [
        pytest.param(None, "no_repair_found", marks=pytest.mark.torture),
        (Above("values", 0.4, 0.38, 0.45), "information_lost"),
        pytest.param(Above("labels", 0.4, 0.4, 0.4), "cannot_be_repaired", marks=pytest.mark.torture),
        pytest.param(Above("values", 0.97, 0.9, 0.99), "no_repair_found", marks=pytest.mark.torture),
    ],
)
def test_that_no_repair_can_exist_takes_a_bound_from_above(above, outcome, small, model):
    name = "pixel_permutation:scope=per_image"
    neighbors = NearestNeighbors((1000, 2000), (0.8, 0.75), (0.74, 0.7, 0.78), (0.4, 0.38, 0.45), (0.4, 0.4), 10, 500)
    known = Ceiling(
        name, "destroyed", (), "perceptron", (0.3, 0.28), above, Sufficiency(0.5, 0.4, 0.3, 0.2, 500), neighbors
    )
    result = repair(
        small.test, shift(small.test, name, 3), model=model, train=small.train, epochs=1, quick=True, ceiling=known
    )
    assert result.outcome == outcome
    assert ("No repair can exist" in result.sentence) == (outcome == "cannot_be_repaired")
    assert ("No repair was found" in result.sentence) == (outcome != "cannot_be_repaired")


def test_what_one_half_shows_is_judged_on_the_other(small, model):
    """Each half turned its own way: a repair judged where it was fitted would bring both back."""
    first, second = halves_of(len(small.test), 0, "shifted")
    images = small.test.images.copy()
    for places, name in ((first, "rotate:angle=90"), (second, "rotate:angle=-90")):
        images[places] = shift(part(small.test, places), name).images
    result = repair(
        small.test, replace(small.test, images=images), model=model, train=small.train, epochs=1, quick=True
    )
    angles = [half.verdict.parameters["angle"] for half in result.halves]
    assert angles == pytest.approx([90, -90], abs=1)
    undo = attempt_of(result, "undo")
    turned = shift(small.test, "rotate:angle=180").images
    upside_down = np.mean(predict(turned, model=model).argmax(1) == small.test.labels)
    assert undo.variant.after.estimate == pytest.approx(upside_down, abs=0.03)


@pytest.mark.torture
def test_labels_of_the_test_set_teach_nothing(small, model):
    """With every label of the sets moved on by one, a repair that learned from them would be right by them."""
    labels = (small.test.labels + 1) % 10
    reference = replace(small.test, labels=labels)
    shifted = replace(shift(small.test, "rotate:angle=40"), labels=labels)
    result = retrained(small, model, reference, shifted)
    assert result.variant.after.estimate < 0.2
    honest = retrained(small, model, small.test, replace(shifted, labels=small.test.labels))
    assert honest.variant.after.estimate > 0.6


def retrained(small, model, reference, shifted):
    """What retraining does, even where the labels hide that anything was lost."""
    half = halves_of(len(shifted), 0, "shifted")
    verdict = bench_room.verdict_on(reference, shifted)
    halves = tuple(Half(places, places, verdict) for places in half)
    clean, variant = (right_of(images, model=model, device="cpu") for images in (reference, shifted))
    bench = Bench(reference, shifted, model, halves, True, clean, variant, None, QUICK, 1, "cpu")
    tasks = tasks_of(bench, training_images(bench, small.train), epochs=4, images=2000)
    return try_strategy(Retrain(), tasks, bench)


def test_training_images_are_none_of_those_that_are_judged(small, model):
    with pytest.raises(BadInput, match="among the training images"):
        repair(small.test, shift(small.test, "invert"), model=model, train=small.test, quick=True)


def test_an_attack_is_repaired_against_and_judged_by_a_fresh_attack(small, model, monkeypatch):
    adversarial = Adversarial(0.1)
    attacked = shift(small.test, adversarial, 1, Context(small.test.labels, model))
    diagnosed = bench_room.verdict_on

    def aimed(*sets, **options):
        return replace(diagnosed(sets[0], sets[0]), shift=adversarial)

    asked = []
    fresh = bench_room.attack_set
    monkeypatch.setattr(bench_room, "verdict_on", aimed)

    def attack(*arguments, model, **options):
        asked.append(model)
        return fresh(*arguments, model=model, **options)

    monkeypatch.setattr(bench_room, "attack_set", attack)
    result = repair(small.test, attacked, model=model, train=small.train, epochs=3, quick=True)
    hardened = attempt_of(result, "adversarial training")
    assert model in asked
    assert hardened.model in asked
    assert hardened.attacked is not None
    assert hardened.attacked.direction == "higher"
    assert hardened.attacked.before.estimate < 0.5 < hardened.attacked.after.estimate
    assert hardened.under_attack is not None
    assert hardened.under_attack.survived == round(hardened.attacked.after.estimate * hardened.attacked.n)
    assert "Square attack" in hardened.under_attack.fell
    assert "under a fresh attack" in result.sentence
    assert any(column.startswith("fresh attack on ") for column in result.rows()[0])


@pytest.mark.torture
def test_nothing_is_found_where_nothing_in_the_catalogue_fits(small, model, monkeypatch):
    diagnosed = bench_room.verdict_on

    def unknown(*sets, **options):
        return replace(diagnosed(sets[0], sets[1]), shift=None)

    monkeypatch.setattr(bench_room, "verdict_on", unknown)
    result = repair(small.test, shift(small.test, "invert"), model=model, train=small.train, quick=True)
    assert (result.outcome, result.recommended, result.attempts) == ("no_repair_found", None, ())


def test_the_recommended_model_is_kept_and_loaded(repaired, small, tmp_path):
    result = repaired("invert")
    keep(result, tmp_path / "repaired")
    images = shift(small.test, "invert").images
    again = load_model(tmp_path / "repaired")
    assert result.model is not None
    assert np.array_equal(predict(images, model=again), predict(images, model=result.model))
    assert json.loads((tmp_path / "repaired" / "model.json").read_text())["model"]["trial"] == "repaired"


def test_there_is_no_model_to_keep_where_there_is_no_repair(repaired, tmp_path):
    with pytest.raises(BadInput, match="no repaired model"):
        keep(repaired("identity"), tmp_path / "repaired")


def test_a_repair_is_json(repaired):
    content = json.loads(json.dumps(repaired("rotate:angle=40").to_json()))
    assert content["schema"] == "shiftassay.repair/1"
    assert content["recommended"] == "undo"
    [undo] = [a for a in content["attempts"] if a["strategy"] == "undo"]
    assert undo["variant"]["before"]["estimate"] < undo["variant"]["after"]["low"]
    assert "seconds" not in undo["cost"]
    assert content["environment"]["attempts"]["undo"] >= 0


def test_with_a_diagnosis_the_halves_only_estimate_its_parameters(small, model, monkeypatch):
    shifted = shift(small.test, "rotate:angle=40")
    diagnosis = diagnose(small.test, shifted, model=model)
    monkeypatch.setattr(bench_room, "verdict_on", None)
    repair_of = {"model": model, "train": small.train, "epochs": 1, "quick": True}
    result = repair(small.test, shifted, diagnosis=diagnosis, **repair_of)
    assert (result.outcome, result.recommended) == ("repaired", "undo")
    assert [half.verdict.family for half in result.halves] == ["rotate", "rotate"]
    angles = [half.verdict.parameters["angle"] for half in result.halves]
    assert angles == pytest.approx([40, 40], abs=0.5)
    assert angles[0] != angles[1]


def test_it_comes_back_from_json_without_its_models(repaired):
    for result in (repaired("rotate:angle=40"), repaired("identity")):
        content = json.loads(json.dumps(result.to_json()))
        again = Repair.from_json(content)
        assert again.to_json() == content
        assert again.model is None
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    for content in stored["argument"]["repairs"].values():
        assert Repair.from_json(content).outcome == content["outcome"]


def test_it_is_printed_as_a_table_and_sentences(repaired):
    result = repaired("rotate:angle=40")
    assert str(result).splitlines()[0].split("  ")[0] == result.rows()[0][0]
    assert f"variant, {result.attempts[0].variant.n} images" in str(result).splitlines()[0]
    assert str(result).endswith(result.sentence)
    assert len(repr(result)) < 200
    assert result._repr_html_().count("<tr>") == 1 + len(result.attempts)
    assert "<table>" not in repaired("identity")._repr_html_()


def test_bad_input_says_what_to_do(small, model):
    bare = replace(small.test, labels=None)
    halves = bare.subset(np.arange(250)), bare.subset(np.arange(250, 500))
    with pytest.raises(BadInput, match=r"nor do the images have partners.*--labels"):
        repair(*halves, model=model)
    few = small.test.first(60)
    with pytest.raises(BadInput, match="at least 100 images"):
        repair(few, few, model=model)


@pytest.mark.torture
def test_without_training_images_only_undoing_is_left(small, model):
    result = repair(small.test, shift(small.test, parse("invert")), model=model, quick=True)
    assert [a.strategy for a in result.attempts] == ["undo"]
    assert result.recommended == "undo"
    assert "no training images" in result.skipped["retrain"]


def test_the_room_is_the_function(small, model):
    import shiftassay

    assert shiftassay.repair(small.test, small.test, model=model).outcome == "nothing_to_repair"
    assert shiftassay.repair(small.test, ImageSet(small.test.images, small.test.labels), model=model).attempts == ()
