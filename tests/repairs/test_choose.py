"""Which repair is recommended, from made-up answers to 1,000 images."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from shiftassay.diagnosis.ceiling.ceiling import Above, Ceiling
from shiftassay.diagnosis.ceiling.nearest import NearestNeighbors
from shiftassay.diagnosis.ceiling.sufficiency import Sufficiency
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.evaluation.attack_set import QUICK
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.repairs.bench import Bench, Half, halves_of
from shiftassay.repairs.choose import choose, nothing_to_repair
from shiftassay.repairs.result import Attempt, Cost, accuracy_change
from shiftassay.repairs.words import assumption_of
from shiftassay.shifts.catalog import parse

N = 1000


def right(count):
    """The first images are right; a repair that gets more right gets all of them right."""
    return np.arange(N) < count


def bench_of(clean=980, variant=300, shift="invert"):
    images = ImageSet(np.zeros((N, 1, 1, 1), np.float32), np.zeros(N, np.int64))
    verdict = Verdict(parse(shift) if shift else None, {}, {}, 1.0, 0.9)
    halves = tuple(Half(places, places, verdict) for places in halves_of(N, 0, "shifted"))
    return Bench(images, images, nn.Identity(), halves, True, right(clean), right(variant), None, QUICK, 0, "cpu")


def attempt(bench, strategy, count, clean=300):
    change = accuracy_change(bench.clean_right, right(clean))
    return Attempt(
        strategy=strategy,
        what="what it does",
        variant=accuracy_change(bench.variant_right, right(count)),
        clean=change,
        attacked=None,
        cost=Cost(10, 0, 0, 0, 0),
        assumption=assumption_of(change, 1.0),
        model=bench.model,
        variant_right=right(count),
        attacked_right=None,
    )


def test_the_least_intrusive_of_equally_good_repairs_is_recommended():
    bench = bench_of()
    choice = choose(bench, [attempt(bench, "undo", 978), attempt(bench, "retrain", 980)], None)
    assert (choice.outcome, choice.recommended) == ("repaired", "undo")
    assert "Retrain changes more and is 0.20 points ahead, which is within the interval." in choice.sentence


def test_accuracy_above_that_on_clean_images_is_no_reason_to_change_more():
    bench = bench_of(clean=900)
    choice = choose(bench, [attempt(bench, "undo", 900), attempt(bench, "retrain", 990)], None)
    assert choice.recommended == "undo"
    assert "from more training, not from repair" in choice.sentence


def test_a_repair_that_is_clearly_better_is_worth_its_intrusion():
    bench = bench_of()
    choice = choose(bench, [attempt(bench, "undo", 600), attempt(bench, "retrain", 900)], None)
    assert (choice.outcome, choice.recommended) == ("partly_repaired", "retrain")
    assert "It remains 8.00 points" in choice.sentence
    assert "It is the best of 2 that were tried." in choice.sentence


def test_what_does_not_help_is_not_recommended():
    bench = bench_of()
    choice = choose(bench, [attempt(bench, "undo", 300)], None)
    assert (choice.outcome, choice.recommended) == ("no_repair_found", None)
    assert "The only repair that was tried, undo" in choice.sentence
    small = replace(bench_of(variant=978), harmed=True)
    assert not small.is_harmless
    assert "on these 1,000 images the loss is too small" in choose(small, [attempt(small, "undo", 979)], None).sentence
    unknown = bench_of(shift=None)
    assert "no family of the catalogue makes this shift" in choose(unknown, [], None).sentence


@pytest.mark.parametrize(
    ("method", "high", "outcome"),
    [
        ("labels", 0.5, "cannot_be_repaired"),
        ("values", 0.5, "information_lost"),
        ("labels", 0.99, "no_repair_found"),
        ("values", 0.99, "no_repair_found"),
    ],
)
def test_only_a_proved_bound_below_the_accuracy_on_clean_images_says_that_no_repair_can_exist(method, high, outcome):
    bench = bench_of(shift="pixel_permutation:scope=per_image")
    above = Above(method, high - 0.02, high - 0.04, high)
    neighbors = NearestNeighbors((1000, 2000), (0.8, 0.7), (0.6, 0.5, 0.7), (0.4, 0.3, 0.5), (0.3, 0.4), 10, 500)
    tests = Sufficiency(0.5, 0.4, 0.3, 0.2, 2000)
    ceiling = Ceiling("s", "destroyed", (), "perceptron", (0.4, 0.38), above, tests, neighbors, "It is proved.")
    choice = choose(bench, [attempt(bench, "retrain", 400)], ceiling)
    assert (choice.outcome, choice.recommended) == (outcome, None if outcome == "no_repair_found" else "none")
    assert ("No repair can exist" in choice.sentence) == (outcome == "cannot_be_repaired")
    assert "points below clean accuracy" in choice.sentence
    if method == "values":
        assert "No proved bound is known." in choice.sentence


def test_a_harmless_shift_leaves_nothing_to_repair():
    bench = bench_of(variant=980)
    assert bench.is_harmless
    assert "the shift is found (invert), a loss of accuracy is not" in nothing_to_repair(bench).sentence
    assert not bench_of(variant=900).is_harmless
    aimed = replace(bench, halves=bench_of(shift="adversarial:epsilon=0.1").halves)
    assert not aimed.is_harmless


def test_a_repair_that_harms_clean_images_assumes_that_the_variant_is_known():
    harmful = accuracy_change(right(980), right(300))
    harmless = accuracy_change(right(980), right(979))
    assert assumption_of(harmful, 0.25) == (
        "the variant id of each image, and whether it is one of the 25% that the shift touched "
        "(clean: 98.0% before, 30.0% after)"
    )
    assert assumption_of(harmless, 1.0).startswith("no variant id (clean: 98.0% before")
