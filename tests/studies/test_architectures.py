"""The study of architectures from end to end, on real digits, few enough to take seconds."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from shiftassay.studies.architectures.lab import Lab

from shiftassay.datasets.distorted import rotated
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.report.write import write_report
from shiftassay.shifts.warp import warp
from shiftassay.studies.architectures.sections import costs, distortions, modules, reproduction, sections, stability
from shiftassay.studies.architectures.study import Claim
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.run import run_study
from shiftassay.studies.schema import load_study
from shiftassay.training.train import train

STUDY = """
kind = "architectures"
title = "A small comparison"
question = "Does it run?"
networks = ["trunk", "stn", "attention", "attention-across-batch", "coordconv"]
control = "trunk"
recipe = "seed-003"
seeds = 2
epochs = 4
audit_images = 150
[[claims]]
network = "stn"
name = "STN"
epochs = 1
parameters = 27_360
best_accuracy = 0.9932
losses = { 1 = 0.2 }
right = { 1 = 9_400 }
[[claims]]
network = "coordconv"
name = "CoordConv"
epochs = 4
parameters = 28_620
best_accuracy = 0.5
[[ablations]]
name = "stn, bounded"
network = "stn"
parameters = { bound = 0.3 }
[suggestions]
networks = ["trunk"]
dropout = [0.0, 0.5]
schedules = ["constant", "one_cycle"]
epochs = [1]
optimizers = { sgd = { learning_rate = 0.01 }, fast = { learning_rate = 0.05, momentum = 0.9 } }
[distortions]
datasets = ["mnist-rotated"]
epochs = 1
images = 1000
[distortions.reported]
mnist-rotated = { CNN = 1.2 }
[robustness]
shifts = ["rotate:angle=30", "gain:factor=0.5"]
images = 200
"""


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    """The study, run once; what it printed, its folder and its results."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "comparison.toml").write_text(STUDY)

    def distorted(name):
        parts = (small.train, small.test)
        rng = np.random.default_rng(0)
        turned = [part.__class__(rotated(part.images, rng), part.labels, part.name) for part in parts]
        return Dataset(name, *turned)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distortions, "named_dataset", distorted)
        done = run_study(folder / "comparison.toml", small, out=folder / "out")
        again = run_study(folder / "comparison.toml", small, out=folder / "out")
    return done, again, folder


@pytest.mark.torture
def test_every_section_stands_in_the_report(finished):
    done, _, _ = finished
    html = done.report.read_text()
    for section in sections():
        assert f'id="{section.KEY}"' in html
    assert list(done.results["sections"]) == [section.KEY for section in sections()]
    json.dumps(done.results)


@pytest.mark.torture
def test_a_second_run_measures_nothing_again_and_says_the_same(finished):
    done, again, folder = finished
    assert again.results["sections"] == done.results["sections"]
    assert (
        len(list((folder / "out" / "runs").iterdir())) == 5 * 2 + 2 + 8 + 5
    )  # networks, ablation, factorial, distorted
    assert write_report(done.report.parent) == done.report


@pytest.mark.torture
def test_one_training_is_read_twice(finished, small):
    networks = finished[0].results["sections"]["reproduction"]["networks"]
    for found in networks.values():
        for best, last, optimism, accuracies in zip(
            found["best_accuracy"], found["last_accuracy"], found["optimism"], found["accuracies"], strict=True
        ):
            assert best == pytest.approx(max(accuracies))
            assert last == pytest.approx(accuracies[-1])
            assert optimism == pytest.approx(best - last) and optimism >= 0  # noqa: PT018


@pytest.mark.torture
def test_claims_are_held_against_one_more_seed(finished):
    stn, coordconv = finished[0].results["sections"]["reproduction"]["claims"]
    assert [row["what"] for row in stn["figures"]] == ["best accuracy", "loss, epoch 1", "accuracy, epoch 1"]
    [best] = coordconv["figures"]
    low, high = best["expected"]
    assert best["within"] == (low <= 0.5 <= high)


@pytest.mark.torture
def test_only_attention_across_the_batch_depends_on_the_batch(finished):
    networks = finished[0].results["sections"]["batches"]["networks"]
    depends = {
        name: max(way["largest"] for seed in audits for way in seed["shown"]) > audits[0]["tolerance"]
        for name, audits in networks.items()
    }
    assert depends == {name: name == "attention-across-batch" for name in networks}


@pytest.mark.torture
def test_counts_of_parameters_are_explained(finished):
    text = finished[0].report.read_text()
    assert "coordconv: 23,340 parameters in use" in text
    assert finished[0].results["sections"]["parameters"]["networks"]["coordconv"]["shadows"] == 260 + 5_020
    assert "5,280 dead parameters, which is what it counts" in text  # 28,620 = 23,340 + 5,280


@pytest.mark.torture
def test_taking_a_module_away_changes_what_it_should(finished):
    removed = finished[0].results["sections"]["modules"]["removed"]
    assert set(removed) == {"stn", "attention", "attention-across-batch", "coordconv"}
    assert set(removed["stn"]) == {"transformer", "transformer's aim"}
    attention = removed["attention"]["attention"]
    assert attention["without"] != attention["with"]


@pytest.mark.torture
def test_the_factorial_experiment_ran_every_combination_once(finished):
    found = finished[0].results["sections"]["suggestions"]
    assert len(found["runs"]) == 2 * 2 * 2
    assert {tuple(effect["factors"]) for effect in found["effects"]} >= {("dropout",), ("dropout", "optimiser")}


@pytest.mark.torture
def test_replays_end_with_the_stored_weights(finished):
    spikes = finished[0].results["sections"]["spikes"]["networks"]
    assert spikes["stn"]["identical"]
    assert len(spikes["stn"]["loss"]) == len(spikes["stn"]["outside"]["mean"]) == 4


def test_jumps_and_spikes_are_those_of_the_losses():
    calm, wild = [1.0, 0.5, 0.5, 0.5, 0.5, 0.5], [1.0, 0.5, 0.5, 2.5, 0.5, 0.5]
    found = stability._jumps([calm, wild])
    assert found["rms"] == pytest.approx([0, np.sqrt((0 + 2**2 + 2**2 + 0) / 4)])
    assert found["largest"] == [0, 2]
    assert found["spikes"] == [0, 0.25]


@pytest.mark.torture
def test_one_seed_shows_nothing_about_architectures_and_says_so(small, tmp_path):
    text = STUDY.split("[[claims]]")[0].replace("seeds = 2", "seeds = 1").replace("epochs = 4", "epochs = 1")
    (tmp_path / "single.toml").write_text(text)
    done = run_study(tmp_path / "single.toml", small, out=tmp_path / "out")
    html = done.report.read_text()
    assert (
        "these two models, not their architectures" in html
        or "nothing can be said of what another seed would do" in html
    )
    assert "suggestions" not in done.results["sections"]


def test_the_claim_of_the_lowest_loss_is_tested_in_pairs_of_seeds():
    networks = {
        name: {way: [level + 0.01 * seed for seed in range(4)] for way in ("last", "lowest", "median of the last 100")}
        for name, level in (("a", 0.05), ("b", 0.04), ("c", 0.03))
    }
    claims = [Claim(network=name, name=name, epochs=1, parameters=1, best_accuracy=0.9) for name in networks]
    rows = reproduction._lowest("c", claims, networks)
    assert len(rows) == 6
    assert all(row["network"] == "c" and row["difference"] < 0 and row["p_corrected"] < 0.05 for row in rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('control = "trunk"', 'control = "mlp"'), "control among the networks"),
        (('"trunk", "stn"', '"trunk", "stm"'), "Did you mean 'stn'"),
        (("bound = 0.3", "bond = 0.3"), "Did you mean 'bound'"),
        (("rotate:angle", "rotat:angle"), "Did you mean 'rotate'"),
        (("audit_images", "audit_image"), "Did you mean 'audit_images'"),
        (('mnist-rotated"]', 'mnist-rotatd"]'), "Did you mean 'mnist-rotated'"),
        (("learning_rate = 0.01", "learning_rat = 0.01"), "Did you mean 'learning_rate'"),
        (('recipe = "seed-003"', 'recipe = "mlp"'), "validates on the test set"),
        (("bound = 0.3", "bound = -1.0"), "can't be built"),
        (('name = "stn, bounded"', 'name = "stn"'), "a name of its own"),
        (("images = 200\n", "images = 200\n[full]\nepoch = 3\n"), r"\[full\]: unknown key 'epoch'"),
    ],
)
def test_what_is_wrong_in_a_study_file_is_said_before_anything_is_trained(tmp_path, small, change, message):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace(*change))
    with pytest.raises(BadInput, match=message):
        run_study(path, small, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_variants_are_refused(small, tmp_path):
    with pytest.raises(BadInput, match="has no variants"):
        run_study("spatial-attention", small, out=tmp_path, variants=tmp_path)


def test_the_built_in_study_is_the_seeds_protocol():
    _, study = load_study("spatial-attention")
    full = study.sized("full", None)
    assert (full.seeds, full.epochs, full.recipe) == (5, 300, "seed-003")
    assert len(full.networks) == 6


def test_attention_is_counted_in_what_a_network_costs(digits):
    def operations(name):
        with torch.random.fork_rng():
            card = ModelCard(name, {}, (1, 28, 28), 10, 0.1307, 0.3081, 0, "", "")
            return costs._flops(Classifier.from_card(card), torch.from_numpy(digits.images[:64]))

    trunk = 2 * (24 * 24 * 10 * 25 + 8 * 8 * 20 * 250 + 320 * 50 + 50 * 10)
    assert operations("trunk") == trunk
    scores = 2 * 2 * (144**2 * 10 + 16**2 * 20)  # scores and mixtures of both layers
    projections = 2 * 7 * (144 * 10**2 + 16 * 20**2)
    assert operations("attention") == trunk + scores + projections
    across = 2 * 2 * 64 * (144 * 10 + 16 * 20)
    assert operations("attention-across-batch") == trunk + across + projections


def test_what_a_transformer_does_is_said_with_the_right_signs(small):
    """A transformer that is made to turn, enlarge and move is measured to do just that."""
    [member] = train("stn", small, recipe="seed-003", epochs=1)
    turn, magnify, right, down = np.radians(20), 1.25, 3.0, -2.0
    # From what is seen back to the image: undo the move, the turn (counter-clockwise, y down), the magnification.
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / magnify
    theta = np.column_stack([back, -back @ [right / 14, down / 14]])
    last = member.model.network.fc_loc[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.from_numpy(theta).float().flatten())
    lab = Lab(load_study("spatial-attention")[1], small, Path(), Measurements(Path()), "cpu", Console(quiet=True))
    mean = modules._transformations(member, lab)["mean"]
    assert list(mean.values()) == pytest.approx([20, magnify, right, down], abs=1e-4)
    seen = modules._seen(member.model, lab)["seen"][0, 0]
    turned = warp(small.test.images[:1], np.column_stack([back, -back @ [right, down]])[None])[0, 0]
    assert np.abs(seen - turned).max() < 0.2  # the two grids differ by half a pixel's share
