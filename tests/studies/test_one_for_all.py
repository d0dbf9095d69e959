"""One model for all variants as a section of a study, on real digits, few enough to take seconds."""

import re
from dataclasses import replace

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.report.figures import draw
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts.catalog import generator, parse, shift
from shiftassay.shifts.family import Context
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.schema import load_study
from shiftassay.studies.shifted.folder_model import train_for_folder
from shiftassay.studies.shifted.sections.one_for_all import findings
from shiftassay.studies.shifted.served_sentences import chosen_design
from shiftassay.studies.shifted.served_variants import AccuracyOverSeeds, AccuracyWhenTold, ServedVariants
from shiftassay.studies.shifted.serving import SetsToServe, Trainer, serve
from shiftassay.studies.shifted.variants import Variants, make_variants, read_variants, write_variants
from shiftassay.training.train import train

RECIPE = Recipe("test", epochs=4, batch_size=50, optimizer="adamw", learning_rate=3e-3, held_out=300)
SHIFTS = {
    "clean": parse("identity"),
    "t1": parse("pixel_permutation"),
    "t2": parse("pixel_permutation:scope=per_image"),
    "t4": parse("adversarial:epsilon=0.1"),
}


@pytest.fixture(scope="module")
def target(small):
    return train("mlp", small, recipe=RECIPE, parameters={"widths": [32]}, device="cpu")[0].model


@pytest.fixture(scope="module")
def to_serve(small, target) -> SetsToServe:
    context = Context(small.test.labels, target.requires_grad_(False))
    sets = [
        ImageSet(
            shift(small.test, made_by, 0, context if made_by.needs_model else None).images, small.test.labels, name
        )
        for name, made_by in SHIFTS.items()
    ]
    return SetsToServe(SHIFTS, sets, target, small)


@pytest.fixture(scope="module")
def served(to_serve) -> ServedVariants:
    trainer = Trainer(RECIPE, widths=(32,), device="cpu")
    return serve(to_serve, trainer, designs=("clean-only", "undo", "film", "specialists"), asked=200)


def changed(served: ServedVariants, design: str, **parts) -> ServedVariants:
    """What was measured, with parts of a design replaced."""
    return replace(served, designs={**served.designs, design: replace(served.designs[design], **parts)})


def test_designs_are_judged_on_every_variant_and_by_a_fresh_attack(served):
    assert ServedVariants.from_json(served.to_json()) == served
    accuracy = {name: {c: a.estimate for c, a in d.accuracy.items()} for name, d in served.designs.items()}
    assert list(accuracy["undo"]) == ["clean", "t1", "t2", "t4", "t4, fresh attack"]
    assert accuracy["undo"]["t1"] == accuracy["undo"]["clean"] > 0.7
    assert accuracy["clean-only"]["t1"] < 0.4
    assert accuracy["undo"]["t4, fresh attack"] > accuracy["clean-only"]["t4, fresh attack"]
    assert accuracy["specialists"]["t1"] == accuracy["specialists"]["clean"]
    differences = served.designs["undo"].minus_specialists
    assert differences["t2"].estimate == pytest.approx(accuracy["undo"]["t2"] - accuracy["specialists"]["t2"])


def test_a_wrong_id_sends_images_through_the_wrong_front(served):
    by_id = served.designs["undo"].wrong_id
    assert by_id["clean"]["t1"].estimate < 0.4 < 0.7 < by_id["clean"]["clean"].estimate
    assert by_id["t1"]["clean"].high < 0.4
    assert by_id["clean"]["t1"].minus_right_id.high < 0 == by_id["clean"]["clean"].minus_right_id.estimate
    alike = served.designs["clean-only"].wrong_id["clean"]
    assert len({told.estimate for told in alike.values()}) == 1


def test_inferred_ids_serve_as_well_as_the_router_is_right(served):
    undo = served.designs["undo"]
    for name, accuracy in undo.inferred.items():
        told = [by_id.estimate for by_id in undo.wrong_id[name].values()]
        assert min(told) - 0.1 <= accuracy.estimate <= max(told) + 0.1
    assert served.router.accuracy["t1"].low > 0.6


def test_what_designs_cost_is_counted(served):
    designs, plain = served.designs, served.plain_parameters
    assert plain == 784 * 32 + 32 + 32 * 10 + 10
    assert (designs["undo"].parameters, designs["undo"].for_one_more) == (plain, 0)
    assert (designs["film"].parameters, designs["film"].for_one_more) == (plain + 4 * 64, 64)
    assert (designs["specialists"].parameters, designs["specialists"].for_one_more) == (4 * plain, plain)
    assert designs["clean-only"].attacks == 0 < designs["undo"].attacks < designs["specialists"].attacks


def test_sentences_and_figure_are_made_of_the_numbers(served, tmp_path):
    [finding] = findings(served)
    text = " ".join(finding.sentences)
    assert "one more variant would add 0" in text
    assert f"{served.asked:,} images" in text
    assert "t2 cannot be repaired" in text
    assert re.search(r"clean told to be \w+", text)
    assert draw(finding.figures[0], tmp_path).startswith(b"<?xml")
    assert {len(row) for table in finding.tables for row in table.rows} <= {len(t.columns) for t in finding.tables}

    undo = served.designs["undo"]
    told = AccuracyWhenTold(0.9, 0.88, 0.92, Interval(0.0, -0.01, 0.01))
    harmless = {name: dict.fromkeys(row, told) for name, row in undo.wrong_id.items()}
    below = dict.fromkeys(undo.accuracy, Interval(-0.03, -0.04, -0.02))
    other = " ".join(findings(changed(served, "undo", wrong_id=harmless, minus_specialists=below))[0].sentences)
    assert "No wrong id is shown to do harm" in other
    assert "more than 0.5 points below the specialist on clean (−3.00" in other


def test_the_single_model_is_chosen_on_held_out_images_not_on_the_test_sets(served):
    film = changed(served, "film", held_out=dict.fromkeys(SHIFTS, 1.0))
    assert findings(film)[0].sentences[0].startswith("We choose film. Averaged over")
    perfect = dict.fromkeys(served.designs["undo"].accuracy, AccuracyOverSeeds(1.0, 1.0, 1.0, (1.0,)))
    near = changed(film, "undo", held_out=dict.fromkeys(SHIFTS, 0.999))
    few = replace(near, held_out_images=100)
    film_best = changed(few, "film", held_out={**dict.fromkeys(SHIFTS, 1.0), "clean": 0.999})
    assert chosen_design(film_best) == "undo"  # as good within one standard error, with fewer parameters
    assert "no more than one standard error better" in findings(film_best)[0].sentences[0]
    film = changed(film, "clean-only", accuracy=perfect)
    assert findings(film)[0].sentences[0].startswith("We choose film. Averaged over")


def test_variants_are_written_with_the_shift_that_made_them(small, target, tmp_path):
    made = make_variants(load_study("shifted-test-sets")[1], small.test, small.train.first(500), target)
    write_variants(tmp_path, made)
    shifts = read_variants(tmp_path).shifts
    permuted = made.named("t1")
    assert np.array_equal(shift(small.test, shifts["t1"], seed=5).images, permuted.images)
    assert [made_by.family for made_by in shifts.values()] == [
        "pixel_permutation",
        "pixel_permutation",
        "sign_noise",
        "adversarial",
    ]


def test_a_folder_of_variants_gets_a_model_that_knows_them(small, tmp_path):
    permutation = parse("pixel_permutation")
    permuted = ImageSet(shift(small.test, permutation).images, small.test.labels, "t1")
    clean = ImageSet(small.test.images, small.test.labels, "clean")
    asked = {"data": small, "recipe": replace(RECIPE, epochs=2), "device": "cpu"}
    shifts = {"t1": permutation.realize(clean.shape, generator(permutation, 0, "shared"))}
    write_variants(tmp_path / "named", Variants(clean, (permuted,), ("permuted",), shifts=shifts))
    [named] = train_for_folder(tmp_path / "named", **asked)
    answers = predict(permuted.images, model=named.model.on("t1"))
    assert np.array_equal(answers, predict(clean.images, model=named.model.on("clean")))

    write_variants(tmp_path / "unnamed", Variants(clean, (permuted,), ("?",)))
    with pytest.raises(BadInput, match="nothing says how t1 came to be"):
        train_for_folder(tmp_path / "unnamed", **asked)
    [diagnosed] = train_for_folder(tmp_path / "unnamed", shift_of={"t1": permutation}.get, **asked)
    assert diagnosed.trial.digest == named.trial.digest
    [unknown] = train_for_folder(tmp_path / "unnamed", shift_of=lambda name: None, **asked)
    assert unknown.model.card.variants["t1"].family == "identity"
