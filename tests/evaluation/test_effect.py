import numpy as np
import pytest

from shiftassay.evaluation.effect import EffectOverSeeds, effect_over_seeds, joined_over_seeds
from shiftassay.evaluation.evaluate import Evaluation, compare
from shiftassay.statistics.intervals import Interval, wilson

N = 10_000


def evaluation(gained, lost, both=100, n=N):
    """Of a model that had `gained + both` of n images wrong, and has `lost + both` wrong on the set."""
    before, after = np.ones(n, bool), np.ones(n, bool)
    before[: gained + both] = False
    after[gained : gained + both + lost] = False
    correct = int(after.sum())
    comparison = compare("clean", after, before, True, 0.005)
    return Evaluation("t", n, correct, wilson(correct, n), (1.0,), ((n,),), 0.9, 0.1, comparison)


@pytest.mark.parametrize(
    ("gained", "lost", "effect"),
    [(0, 4, "not shown to change"), (20, 50, "slightly harmed"), (20, 200, "harmed"), (55, 20, "improved")],
)
def test_one_seed_has_the_effect_that_its_own_test_shows(gained, lost, effect):
    one = effect_over_seeds([evaluation(gained, lost)])
    assert one.effect == effect
    assert one.harms == ("harmed" in effect)
    assert EffectOverSeeds.from_json(one.to_json()) == one


def test_seeds_that_agree_show_what_each_shows_and_seeds_that_disagree_show_nothing():
    agree = effect_over_seeds([evaluation(20, lost) for lost in (45, 50, 47, 53, 49)])
    assert agree.effect == "slightly harmed"
    assert agree.lower == 5
    assert "lower in 5 of 5 seeds alone" in str(agree)
    assert "10,000 images and 5 seeds" in str(agree)
    disagree = effect_over_seeds([evaluation(20, 200), evaluation(200, 20), evaluation(20, 90)])
    assert disagree.effect == "not shown to change"
    assert (disagree.lower, disagree.higher) == (2, 1)
    assert "lower in 2 of 3 seeds alone" in str(disagree)


@pytest.mark.parametrize(
    ("gained", "losses", "effect"),
    [(20, (400, 900), "harmed"), (20, (45, 50), "slightly harmed"), (400, (9, 90), "improved")],
)
def test_two_seeds_that_both_show_it_are_said_to_show_it_of_themselves(gained, losses, effect):
    """Student's interval of two seeds that are apart says nothing of new ones."""
    both = effect_over_seeds([evaluation(gained, lost) for lost in losses])
    assert both.effect == effect
    if not both.comparison.differs:
        assert "with each of these 2 models; for new seeds that is not shown" in str(both)


def test_an_attack_on_one_of_two_models_is_no_nothing():
    both = effect_over_seeds([evaluation(0, 2600), evaluation(0, 1100)])
    assert not both.comparison.differs
    assert both.effect == "harmed"
    assert both.harms


def test_seeds_that_never_differ_from_clean_still_have_an_interval():
    effect = effect_over_seeds([evaluation(0, 0)] * 3)
    assert effect.comparison.difference.low < 0 < effect.comparison.difference.high
    assert effect.comparison.equivalent


def test_the_error_ratio_is_that_of_the_mean_seed():
    effect = effect_over_seeds([evaluation(0, 50), evaluation(0, 50)])
    ratio = effect.comparison.error_ratio
    assert ratio is not None
    assert ratio.estimate == pytest.approx(1.5)
    assert 1 < ratio.low < 1.5 < ratio.high


def test_the_interval_over_seeds_covers_for_new_seeds_and_new_images(rng):
    """A difference that varies with the seed and with the image, both of which are drawn anew each time."""
    truth, n, seeds, repeats = -0.02, 400, 5, 400
    covered, low_ends = 0, []
    for _ in range(repeats):
        of_images = rng.normal(0, 1, n)
        intervals = []
        for shift in rng.normal(truth, 0.01, seeds):
            values = shift + 0.2 * (of_images + rng.normal(0, 0.5, n))
            half = 1.96 * values.std() / np.sqrt(n)
            intervals.append(Interval(float(values.mean()), float(values.mean() - half), float(values.mean() + half)))
        joined = joined_over_seeds(intervals)
        covered += joined.low <= truth <= joined.high
        low_ends.append(joined.high < 0)
    assert covered / repeats >= 0.94


@pytest.mark.torture
def test_no_effect_is_shown_too_often_over_seeds_where_there_is_none(rng):
    """Images are shared by all seeds, and each seed has an effect of its own that is 0 in the mean."""
    shown, repeats, n = 0, 400, 1000
    for _ in range(repeats):
        hard = rng.random(n) < 0.03  # images that are lost or gained by chance, the same for all seeds
        evaluations = []
        for _ in range(4):
            own = hard & (rng.random(n) < 0.8)
            lost = own & (rng.random(n) < 0.5 + rng.normal(0, 0.1))
            evaluations.append(evaluation(int((own & ~lost).sum()), int(lost.sum()), 20, n))
        shown += effect_over_seeds(evaluations).effect != "not shown to change"
    assert shown / repeats <= 0.06
