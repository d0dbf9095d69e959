"""The argument on real digits: planted controls, experiments whose outcome is known, and a run from end to end."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from shiftassay.diagnosis.pairing.pair import Pairing, PairingEvidence
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.evaluation.effect import effect_over_seeds
from shiftassay.evaluation.evaluate import Evaluation, evaluate
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.write import write_images
from shiftassay.repairs.result import Repair, Timing
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.shifts.catalog import parse, shift
from shiftassay.shifts.family import Context
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.run import run_study
from shiftassay.studies.schema import load_study
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.contrast import Contrast, contrast_variants, kind_of
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant, ImageChange
from shiftassay.studies.shifted.sections.contrast_pages import contrast_page
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
attacks = { images = 50, targets = 0, queries = 20 }
[experiments]
updates = 320
seeds = 2
draws = [1, 8]
training_images = [500, 1500]
fresh_draws = 5
images = 100
image_sizes = [14, 28]
strengths = [1.0, 2.0]
strength_images = 50
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


@pytest.mark.torture
def test_a_copy_of_clean_is_said_to_be_nothing_and_the_study_resumes(study, tmp_path, digits):
    done = run_study(study, digits, out=tmp_path / "out")
    text = (done.report.parent / "report.md").read_text()
    copy = text[text.index("## copy:") : text.index("## dark:")]
    assert copy.startswith("## copy: nothing happened")
    assert "copy holds the images of clean, unchanged" in copy
    assert "Nothing to repair" in copy
    assert done.results["effects"]["copy"]["effect"] == "not shown to change"
    assert "copy needs no repair." in text
    assert "copy is not shown to change: " in text
    dark = text[text.index("## dark:") : text.index("## copy and dark")]
    assert "gain (factor = 0.3)" in dark.splitlines()[2]
    assert "## copy and absent" not in text
    assert "No experiment isolates the difference" in text
    assert [row["variant"] for row in done.results["answers"]] == ["copy", "dark"]
    assert done.results["answers"][0]["outcome"] == "nothing_to_repair"
    assert set(done.results["argument"]["one_for_all"]["variants"]) == {"clean", "copy", "dark"}

    console = Console(record=True, width=200, file=io.StringIO())
    again = run_study(study, digits, out=tmp_path / "out", console=console)
    assert "diagnosing" not in console.export_text()
    assert again.results["argument"] == done.results["argument"]


def test_contrasts_without_diagnoses_are_refused(study):
    before, _, rest = STUDY.partition("[argument]")
    study.write_text(before + rest[rest.index("[one_for_all]") :])
    with pytest.raises(BadInput, match="rest on the diagnoses"):
        load_study(study)


@pytest.fixture(scope="module")
def context(digits, tmp_path_factory) -> StudyContext:
    [member] = train("mlp", digits, recipe=RECIPE, parameters={"widths": [64]}, device="cpu")
    clean = replace(digits.test, name="clean")
    attack = Context(clean.labels, member.model.requires_grad_(False))
    shifted = {
        "one": shift(clean, "pixel_permutation", 1),
        "each": shift(clean, "pixel_permutation:scope=per_image", 1),
        "random": shift(clean, "sign_noise:epsilon=0.1", 1),
        "again": shift(clean, "sign_noise:epsilon=0.1", 2),
        "aimed": shift(clean, "adversarial:epsilon=0.1", 1, attack),
    }
    sets = tuple(ImageSet(images.images, clean.labels, name) for name, images in shifted.items())
    folder = tmp_path_factory.mktemp("study")
    (folder / "small.toml").write_text(STUDY.replace("images = 300", "images = 600"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "small", RECIPE)
        study = load_study(folder / "small.toml")[1]
    return StudyContext(
        study,
        digits,
        [member],
        Variants(clean, sets, tuple(shifted)),
        [],
        Measurements(folder),
        folder,
        "cpu",
        Console(quiet=True),
    )


def diagnosed(text: str) -> DiagnosedVariant:
    """What a diagnosis would say of a variant that was made by this shift."""
    made_by = parse(text).realize((1, 28, 28), np.random.default_rng(0))
    verdict = Verdict(made_by, made_by.parameters, {}, share=1.0, confidence=1.0)
    pairing = Pairing("same_order", None, PairingEvidence(None, None))
    change = ImageChange((0.1,) * 3, (2.0,) * 3, touched=1.0, same_values=0.0, labels_alike=1.0)
    return DiagnosedVariant(
        {}, 600, 600, Diagnosis(pairing=pairing, verdict=verdict), made_by, text, change, None, None
    )


def assess_variant(context: StudyContext, name: str) -> Evaluation:
    clean, variant = context.variants.clean, context.variants.named(name)
    return evaluate(variant, model=context.model, reference=clean)


def contrast_of(context: StudyContext, **variants: str) -> tuple[Contrast, str]:
    """The contrast of two variants, and its sentences, given the shifts that they are diagnosed as."""
    diagnoses = {name: diagnosed(text) for name, text in variants.items()}
    contrast = contrast_variants(replace(context, diagnoses=diagnoses), *variants)
    nothing = Interval(0.9, 0.9, 0.9)
    repair = Repair(
        outcome="no_repair_found",
        recommended=None,
        sentence="",
        clean=nothing,
        variant=nothing,
        missing=nothing,
        attempts=(),
        skipped={},
        halves=(),
        ceiling=None,
        notes=(),
        environment=Timing(0.0, {}),
    )
    effects = {name: effect_over_seeds([assess_variant(context, name)]) for name in variants}
    page = contrast_page(contrast, diagnoses, dict.fromkeys(variants, repair), 0.9, effects)
    return contrast, " ".join(page.sentences)


@pytest.mark.torture
def test_one_draw_is_undone_and_learned_and_many_are_not(context):
    contrast, text = contrast_of(context, one="pixel_permutation", each="pixel_permutation:scope=per_image")
    draws = contrast.draws
    assert draws is not None
    one, each = draws.one_undone["one"], draws.one_undone["each"]
    assert one is not None
    assert each is not None
    assert one.accuracy > 0.7 > 0.3 > each.accuracy
    assert one.put_back > one.at_random + 0.4
    learned = {(row.draws, row.training_images): row.learned.estimate for row in draws.dose}
    assert learned[1, 1500] > 0.7 > 0.4 > learned[None, 1500]
    assert learned[8, 1500] > learned[8, 500] + 0.05
    assert all(row.unmodified.estimate < 0.3 for row in draws.dose)
    assert "the number of draws decides what can be learned" in text
    assert "only the multiset of its values" in text
    shared = contrast.shared_draw
    assert shared is not None
    assert len(shared.fresh) == 5
    assert max(shared.fresh) < 0.4
    assert (shared.moves_pixels, shared.starts_linear) == (True, True)
    own, convolutional = shared.networks
    assert own.difference.low < 0 < own.difference.high  # permuted pixels cost a perceptron nothing
    assert convolutional.difference.high < 0
    assert "sees in Px what W₁ sees in x" in text
    assert "trunk, trained from scratch" in text
    assert Contrast.from_json(contrast.to_json()) == contrast


def test_aimed_pixels_harm_and_random_ones_do_not(context):
    contrast, text = contrast_of(context, random="sign_noise:epsilon=0.1", aimed="adversarial:epsilon=0.1")
    assert contrast.aim is not None
    accuracies = [row.accuracy.estimate for row in contrast.aim.mixed]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > accuracies[-1] + 0.3
    assert "So aim does it, not size." in text
    order = contrast.first_order
    assert order is not None
    assert order.spread == pytest.approx(1.0, abs=0.1)  # random signs: standard deviation ε‖g‖₂
    assert order.untrained[1] == pytest.approx(order.gaussian, rel=0.05)  # √(2d/π)
    weak = {change.kind: change for change in order.changes if change.epsilon < 0.05}
    assert weak["aimed signs"].explained > 0.8
    assert weak["aimed signs"].predicted[1] == pytest.approx(0.01 * order.sum_of_sizes, rel=1e-3)
    sizes = contrast.image_sizes
    assert sizes is not None
    assert [size.pixels for size in sizes.sizes] == [196, 784]
    assert sizes.untrained_exponent.estimate == pytest.approx(0.5, abs=0.05)
    sweep = contrast.strengths
    assert sweep is not None
    for rows in sweep.models.values():
        for row in rows:
            assert row.strongest.estimate <= row.one_step.estimate + 0.02 <= row.random.estimate + 0.04
        assert rows[0].strongest.estimate >= rows[-1].strongest.estimate
    assert "survive all attacks" in text


def test_noise_that_is_taken_for_an_attack_does_not_pass_the_experiment(context):
    _, text = contrast_of(context, random="sign_noise:epsilon=0.1", again="adversarial:epsilon=0.1")
    assert "Aim is not shown to matter." in text
    assert "is not shown to differ between the two" in text


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("rotate:angle=20", "gain:factor=0.5", None),
        ("rotate:angle=20", "rotate:angle=40", None),
        ("rotate:angle=20", "rotate:angle=-40..40,scope=per_image", "draws"),
    ],
)
def test_variants_that_differ_in_more_than_one_thing_have_no_experiment(one, other, kind):
    assert kind_of(diagnosed(one), diagnosed(other)) == kind
