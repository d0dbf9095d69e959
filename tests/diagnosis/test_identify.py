"""Which images changed, and whether the change may be an attack's."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.diagnose import verdict_on
from shiftassay.diagnosis.identify import changed_images, is_uniform, searched_families, split
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES

CLEAN = np.random.default_rng(0).random((100, 1, 6, 6), np.float32)


def _touched(count):
    shifted = CLEAN.copy()
    shifted[:count] += 0.2
    return Pairs(CLEAN, shifted)


@given(st.integers(0, 100))
def test_the_share_is_of_the_images_that_changed(count):
    share, pairs = changed_images(_touched(count))
    assert share == pytest.approx(count / 100) or (count >= 98 and share == 1)
    assert len(pairs) == (count if 12 <= count < 98 else 100)


def test_a_change_of_one_size_on_every_image_is_uniform():
    rng = np.random.default_rng(1)
    signs = rng.choice([-0.1, 0.1], CLEAN.shape).astype(np.float32)
    assert is_uniform(Pairs(CLEAN, CLEAN + signs))
    sizes = rng.random((100, 1, 1, 1), np.float32)
    assert not is_uniform(Pairs(CLEAN, CLEAN + sizes * signs))
    assert not is_uniform(Pairs(CLEAN, CLEAN + 8 * signs))


@given(st.integers(20, 100))
def test_what_is_fitted_is_not_judged(n):
    pairs = Pairs(CLEAN[:n], CLEAN[:n])
    task = split(pairs, [], 0)
    assert 0 < len(task.fit) <= 0.6 * n
    assert len(task.fit) + len(task.held_out) == n
    assert not np.shares_memory(task.fit.reference, task.held_out.reference)


def test_families_that_need_a_model_or_change_which_images_there_are_are_not_searched():
    groups = {FAMILIES[family].group for family in searched_families()}
    assert "identity" in searched_families()
    assert not groups & {"sample", "several", "attack"}


@pytest.mark.parametrize("named", [False, True])
def test_the_images_that_changed_are_told_by_place_or_name(named):
    names = tuple(f"photo{n}.png" for n in range(100)) if named else None
    clean = ImageSet(CLEAN, names=names)
    changed = np.array([3, 50, 97])
    images = CLEAN.copy()
    images[changed] = 1 - images[changed]
    verdict = verdict_on(clean, replace(clean, images=images))
    expected = (3, 50, 97) if names is None else ("photo3.png", "photo50.png", "photo97.png")
    assert verdict.share == pytest.approx(0.03)
    assert verdict.touched == expected
    assert Verdict.from_json(verdict.to_json()).touched == expected
    assert "touched" not in verdict_on(clean, clean).to_json()
