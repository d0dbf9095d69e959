"""What modules do, over all networks that have them or lack them."""

import numpy as np
import pytest

from shiftassay.studies.architectures.module_effects import (
    ATTENTION,
    COORDINATES,
    TRANSFORMER,
    effects_sentence,
    effects_table,
    module_effects,
    modules_of_registered,
)

MODULES = {
    "trunk": (),
    "stn": (TRANSFORMER,),
    "attention": (ATTENTION,),
    "coordconv-stn": (TRANSFORMER, COORDINATES),
    "attention-across-batch": (ATTENTION,),
    "coordconv": (COORDINATES,),
}


def accuracies(rng, lowered_by=0.0):
    """Networks of which those with a transformer are lower, beside noise of 0.05 points."""
    return {
        name: (99.2 - lowered_by * (TRANSFORMER in has) + 0.05 * rng.normal(size=5)).tolist()
        for name, has in MODULES.items()
    }


def shown(effect):
    return f"{effect.estimate:.2f}"


def test_the_modules_of_networks_are_read_off_them():
    assert modules_of_registered(list(MODULES)) == MODULES


def test_what_no_pair_shows_all_networks_together_may(rng):
    effects = {effect.module: effect for effect in module_effects(accuracies(rng, 0.5), MODULES)}
    assert list(effects) == [TRANSFORMER, COORDINATES, ATTENTION]
    assert effects[TRANSFORMER].is_significant
    assert effects[TRANSFORMER].interval[0] < -0.5 < effects[TRANSFORMER].interval[1]
    assert not effects[COORDINATES].is_significant
    sentence = effects_sentence(list(effects.values()), "accuracy", "changes by", shown, " points")
    assert sentence.startswith("Over 6 networks and 5 seeds, accuracy changes by -0.5")
    assert "with a transformer (p" in sentence
    assert "No effect of CoordConv" in sentence
    unchanged = effects_sentence([effects[COORDINATES]], "accuracy", "changes by", shown, " points")
    assert "no effect of CoordConv" in unchanged


def test_p_values_are_corrected_for_the_modules(rng):
    effects = module_effects(accuracies(rng), MODULES)
    assert all(effect.p_corrected >= effect.p for effect in effects)
    assert all(effect.p >= max(effect.p_seeds, effect.p_networks) - 1e-12 for effect in effects)
    assert min(effect.p_corrected for effect in effects) == pytest.approx(min(1, 3 * min(e.p for e in effects)))


def test_two_networks_that_differ_in_a_module_say_nothing_of_it(rng):
    pair = {name: MODULES[name] for name in ("trunk", "stn")}
    assert module_effects({name: rng.normal(size=5) for name in pair}, pair) == ()
    assert effects_sentence((), "accuracy", "changes by", shown, "") == ""


def test_one_seed_says_nothing():
    assert module_effects({name: np.array([0.99]) for name in MODULES}, MODULES) == ()


def test_a_table_says_of_how_many_networks_and_seeds_it_is(rng):
    table = effects_table({"accuracy": module_effects(accuracies(rng), MODULES)}, "points", shown, ", on 10 images")
    assert len(table.rows) == 3
    assert "6 networks × 5 seeds, on 10 images" in table.caption
