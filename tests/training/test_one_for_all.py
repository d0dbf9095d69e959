"""Training one model on a mixture of variants, on real digits, few enough to take seconds."""

import dataclasses

import numpy as np
import pytest
import torch

from shiftassay.models.load import load_model
from shiftassay.models.one_for_all import OneForAll
from shiftassay.models.predict import predict
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts.catalog import parse, shift
from shiftassay.training import engine, mixture
from shiftassay.training.engine import split, whole_epoch
from shiftassay.training.mixture import ATTACK_STEPS, MixtureGroup, share_of
from shiftassay.training.native_member import NativeMember
from shiftassay.training.one_for_all import fixed, train_one_for_all
from shiftassay.training.plain import PlainMember

RECIPE = Recipe("test", epochs=2, batch_size=50, optimizer="adamw", learning_rate=3e-3, held_out=300)
SHIFTS = {
    "clean": parse("identity"),
    "t1": parse("pixel_permutation"),
    "t2": parse("pixel_permutation:scope=per_image"),
    "t4": parse("adversarial:epsilon=0.1"),
}
SMALL = {"recipe": RECIPE, "widths": (32,), "device": "cpu"}


def group_of(small, design, recipe=RECIPE):
    data = split(small.train, 300, 10)
    trained = train_one_for_all(
        SHIFTS, small, design=design, **{**SMALL, "recipe": dataclasses.replace(recipe, epochs=1)}
    )
    shifts = fixed(SHIFTS, (1, 28, 28))
    return MixtureGroup(OneForAll(trained.model.card), shifts, recipe, data, trained.trial)


def test_a_variant_is_served_as_well_as_clean_where_its_shift_can_be_undone(small):
    trained = train_one_for_all(
        SHIFTS, small, design="undo", **{**SMALL, "recipe": dataclasses.replace(RECIPE, epochs=8)}
    )
    permuted = shift(small.test, fixed(SHIFTS, (1, 28, 28))["t1"])
    scores = [
        (predict(images, model=trained.model.on(name)).argmax(1) == small.test.labels).mean()
        for name, images in (("clean", small.test.images), ("t1", permuted.images), ("clean", permuted.images))
    ]
    assert scores[0] > 0.8
    assert scores[1] == scores[0]
    assert scores[2] < 0.4
    assert trained.held_out["t1"] == trained.held_out["clean"] > trained.held_out["t2"]


def test_training_never_sees_a_test_image(small):
    blank = dataclasses.replace(small, test=dataclasses.replace(small.test, images=np.zeros_like(small.test.images)))
    first, second = (train_one_for_all(SHIFTS, data, **SMALL).model.state_dict() for data in (small, blank))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("design", "path"), [("undo", NativeMember), ("id-as-input", NativeMember), ("film", PlainMember)]
)
def test_designs_take_the_fastest_path_that_their_network_can(small, design, path):
    assert isinstance(group_of(small, design).member, path)


def test_the_plain_path_learns_what_the_native_one_does(small, monkeypatch):
    native = train_one_for_all(SHIFTS, small, **SMALL)
    monkeypatch.setattr(mixture.native, "available", lambda: False)
    plain = train_one_for_all(SHIFTS, small, **SMALL)
    assert [m.loss for m in plain.metrics] == pytest.approx([m.loss for m in native.metrics], rel=2e-3)


def test_every_variant_has_its_share_of_a_round_and_attacks_stay_in_their_ball(small):
    group = group_of(small, "mixture")
    labels = split(small.train, 300, 10).labels[: group.size]
    images = split(small.train, 300, 10).images[: group.size]
    shown = group._mixture(images, labels, seed=1)
    moved = np.abs(shown - images).reshape(len(images), -1).max(1)
    ids = group._ids(len(images))
    shares = [share_of(spec) for spec in SHIFTS.values()]
    assert shares == [1, 1, 2, 4]
    assert np.bincount(ids).tolist() == pytest.approx([group.size * share / sum(shares) for share in shares], abs=4)
    assert (moved[ids == 0] == 0).all()
    assert (moved[ids == 1] > 0.5).all()
    assert np.allclose(moved[ids == 3], 0.1, atol=1e-6)
    assert not np.array_equal(shown, group._mixture(images, labels, seed=2))
    assert group.attacks == ATTACK_STEPS * (ids == 3).sum()


def test_attacks_in_training_are_made_on_the_model_as_it_is(small):
    group = group_of(small, "undo", dataclasses.replace(RECIPE, epochs=20))
    data = split(small.train, 300, 10)
    images, labels = data.images[: group.size], data.labels[: group.size]
    before = group._mixture(images, labels, seed=1)
    whole_epoch(group, 0)
    after = group._mixture(images, labels, seed=1)
    ids = group._ids(len(images))
    assert np.array_equal(before[ids == 1], after[ids == 1])
    assert not np.array_equal(before[ids == 3], after[ids == 3])


def test_training_against_an_attack_helps_against_it(small):
    longer = {**SMALL, "recipe": dataclasses.replace(RECIPE, epochs=8)}
    served = train_one_for_all(SHIFTS, small, design="mixture", **longer)
    naive = train_one_for_all(SHIFTS, small, design="clean-only", **longer)
    assert served.held_out["t4"] > naive.held_out["t4"] + 0.1
    assert naive.attacks == 0


def test_a_run_that_was_broken_off_ends_with_the_same_weights(small, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)

    def break_off(trial, metrics):
        if metrics.epoch == 2:
            raise KeyboardInterrupt

    seen = []
    asked = {**SMALL, "epochs": 3}
    whole = train_one_for_all(SHIFTS, small, **asked)
    with pytest.raises(KeyboardInterrupt):
        train_one_for_all(SHIFTS, small, store=tmp_path, watch=break_off, **asked)
    resumed = train_one_for_all(SHIFTS, small, store=tmp_path, watch=lambda t, m: seen.append(m.epoch), **asked)
    assert seen == [2, 3]
    weights, others = whole.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_run_that_exists_is_read_instead_of_trained(small, tmp_path):
    first, again = (train_one_for_all(SHIFTS, small, store=tmp_path, **SMALL) for _ in range(2))
    assert (first.reused, again.reused) == (False, True)
    assert (again.metrics, again.held_out, again.attacks) == (first.metrics, first.held_out, first.attacks)
    loaded = load_model(first.folder)
    assert np.array_equal(
        predict(small.test.images, model=loaded.on("t1")), predict(small.test.images, model=first.model.on("t1"))
    )


def test_an_attack_on_images_that_were_shifted_before_is_trained_against_too(small):
    shifts = {"clean": parse("identity"), "t": parse("pixel_permutation+adversarial:epsilon=0.1")}
    trained = train_one_for_all(shifts, small, **{**SMALL, "recipe": dataclasses.replace(RECIPE, epochs=6)})
    assert trained.held_out["t"] > 0.3
    assert trained.attacks > 0


def test_shifts_that_choose_images_are_served_as_clean(small):
    assert fixed({"fewer": parse("reorder")}, (1, 28, 28))["fewer"].family == "identity"
