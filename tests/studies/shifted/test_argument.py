"""The argument on real digits: planted controls, experiments whose outcome is known, and a run from end to end."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from shiftassay.studies.shifted.lab import Lab

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.write import write_images
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.shifts.catalogue import parse, shift
from shiftassay.shifts.family import Context
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.run import run_study
from shiftassay.studies.schema import load_study
from shiftassay.studies.shifted import contrast_page, contrasts
from shiftassay.studies.shifted.variants import Variants
from shiftassay.training.train import train

STUDY = """
kind = "shifted-test-sets"
title = "A small argument"
question = "Does it argue?"
network = "mlp"
network_parameters = { widths = [64] }
recipe = "small"
folder = "given"
contrasts = [["copy", "dark"], ["copy", "absent"]]
[argument]
images = 300
epochs = 1
thorough = false
draws = [1, 8]
learned = 2000
[one_for_all]
designs = ["undo"]
asked = 50
"""
RECIPE = Recipe("small", epochs=4, batch_size=50, optimizer="adamw", learning_rate=3e-3, held_out=500)


@pytest.fixture(autouse=True)
def recipe(monkeypatch):
    monkeypatch.setitem(RECIPES, "small", RECIPE)


@pytest.fixture(scope="module")
def digits(mnist) -> Dataset:
    def first(images: ImageSet, n: int) -> ImageSet:
        return ImageSet(images.images[:n], images.labels[:n], images.name)

    return Dataset("few digits", first(mnist.train, 3000), first(mnist.test, 600))


@pytest.fixture
def study(tmp_path, digits):
    clean = digits.test
    write_images(tmp_path / "given" / "clean.npy", clean.images)
    write_images(tmp_path / "given" / "copy.npy", clean.images)
    write_images(tmp_path / "given" / "dark.npy", shift(clean, "gain:factor=0.3").images)
    np.save(tmp_path / "given" / "labels.npy", clean.labels)
    (tmp_path / "small.toml").write_text(STUDY)
    return tmp_path / "small.toml"


def test_a_copy_of_clean_is_said_to_be_nothing_and_the_study_resumes(study, tmp_path, digits):
    done = run_study(study, digits, out=tmp_path / "out")
    text = (done.report.parent / "report.md").read_text()
    copy = text[text.index("## copy:") : text.index("## dark:")]
    assert copy.startswith("## copy: nothing happened")
    assert "Its images are those of clean" in copy
    assert "Nothing to repair" in copy
    dark = text[text.index("## dark:") : text.index("## copy and dark")]
    assert "gain (factor = 0.3)" in dark.splitlines()[2]
    assert "## copy and absent" not in text
    assert "No experiment isolates the difference" in text
    assert [row["variant"] for row in done.results["answers"]] == ["copy", "dark"]
    assert done.results["answers"][0]["outcome"] == "nothing_to_repair"
    assert set(done.results["argument"]["one_for_all"]["variants"]) == {"clean", "copy", "dark"}

    said = Console(record=True, width=200, file=io.StringIO())
    again = run_study(study, digits, out=tmp_path / "out", console=said)
    assert "diagnosing" not in said.export_text()
    assert again.results["argument"] == done.results["argument"]


def test_contrasts_without_diagnoses_are_refused(study):
    study.write_text(STUDY.replace("[argument]\nimages = 300\nepochs = 1\nthorough = false\ndraws = [1, 8]\nlearned = 2000\n", ""))  # fmt: skip
    with pytest.raises(BadInput, match="rest on the diagnoses"):
        load_study(study)


@pytest.fixture(scope="module")
def lab(digits, tmp_path_factory):
    [member] = train("mlp", digits, recipe=RECIPE, parameters={"widths": [64]}, device="cpu")
    clean = replace(digits.test, name="clean")
    context = Context(clean.labels, member.model.requires_grad_(False))
    made = {
        "one": shift(clean, "pixel_permutation", 1),
        "each": shift(clean, "pixel_permutation:scope=per_image", 1),
        "random": shift(clean, "sign_noise:epsilon=0.1", 1),
        "again": shift(clean, "sign_noise:epsilon=0.1", 2),
        "aimed": shift(clean, "adversarial:epsilon=0.1", 1, context),
    }
    sets = tuple(ImageSet(found.images, clean.labels, name) for name, found in made.items())
    folder = tmp_path_factory.mktemp("lab")
    (folder / "small.toml").write_text(STUDY.replace("images = 300", "images = 600"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "small", RECIPE)
        study = load_study(folder / "small.toml")[1]
    return Lab(
        study,
        digits,
        [member],
        Variants(clean, sets, tuple(made)),
        Measurements(folder),
        folder,
        "cpu",
        Console(quiet=True),
    )


def told(text: str) -> dict:
    """What a diagnosis would say of a variant."""
    how = parse(text)
    change = {"linf": [0.1] * 3, "l2": [2.0] * 3, "touched": 1.0, "same_values": 0.0, "labels_alike": 1.0}
    verdict = {"family": how.family, "scope": how.to_json()["scope"], "parameters": how.parameters}
    return {"diagnosis": {"verdict": verdict}, "change": change, "shift": how.to_json(), "text": text, "controls": None}


def sentences(measured, found):
    repaired = {name: {"attempts": [], "skipped": {}} for name in found}
    return " ".join(contrast_page.finding(measured, found, repaired, 0.9).sentences)


def test_one_draw_is_undone_and_learned_and_many_are_not(lab):
    found = {"one": told("pixel_permutation"), "each": told("pixel_permutation:scope=per_image")}
    measured = contrasts.measure(lab, "one", "each", found)
    undone = measured["draws"]["one_undone"]
    assert undone["one"]["accuracy"] > 0.7 > 0.3 > undone["each"]["accuracy"]
    assert undone["one"]["put_back"] > undone["one"]["at_random"] + 0.4
    learned = [row["learned"]["estimate"] for row in measured["draws"]["dose"]]
    assert learned[0] > 0.7 > 0.4 > learned[2]
    assert all(row["unmodified"]["estimate"] < 0.3 for row in measured["draws"]["dose"])
    assert "it decides what can be learned" in sentences(measured, found)


def test_aimed_pixels_harm_and_random_ones_do_not(lab):
    found = {"random": told("sign_noise:epsilon=0.1"), "aimed": told("adversarial:epsilon=0.1")}
    measured = contrasts.measure(lab, "random", "aimed", found)
    accuracies = [row["accuracy"]["estimate"] for row in measured["aim"]["mixed"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > accuracies[-1] + 0.3
    assert "So aim, not size, does it." in sentences(measured, found)


def test_noise_that_is_taken_for_an_attack_does_not_pass_the_experiment(lab):
    found = {"random": told("sign_noise:epsilon=0.1"), "again": told("adversarial:epsilon=0.1")}
    text = sentences(contrasts.measure(lab, "random", "again", found), found)
    assert "Aim is not shown to matter." in text
    assert "is not shown to differ between the two" in text


def test_variants_that_differ_in_more_than_one_thing_have_no_experiment():
    assert contrasts.kind_of(told("rotate:angle=20"), told("gain:factor=0.5")) is None
    assert contrasts.kind_of(told("rotate:angle=20"), told("rotate:angle=40")) is None
    assert contrasts.kind_of(told("rotate:angle=20"), told("rotate:angle=-40..40,scope=per_image")) == "draws"
