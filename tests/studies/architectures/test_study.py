"""The study of architectures from end to end, on real digits, few enough to take seconds."""

import hashlib
import json

import numpy as np
import pytest

from shiftassay.datasets.distorted import rotated
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.report.write import write_report
from shiftassay.studies.architectures.protocols import BEST, HELD_OUT, LAST, LOWEST_LOSS
from shiftassay.studies.architectures.removal import removable_modules
from shiftassay.studies.architectures.sections import distortions, sections
from shiftassay.studies.run import run_study
from shiftassay.studies.schema import load_study

STUDY = f"""
kind = "architectures"
title = "A small comparison"
question = "Does it run?"
networks = {json.dumps(list(NETWORKS))}
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
losses = {{ 1 = 0.2 }}
right = {{ 1 = 9_400 }}
[[claims]]
network = "coordconv"
name = "CoordConv"
epochs = 4
parameters = 28_620
best_accuracy = 0.5
[selection]
networks = ["stn"]
held_out = 200
[[ablations]]
name = "stn, bounded"
network = "stn"
parameters = {{ bound = 0.3 }}
[suggestions]
networks = ["trunk"]
dropout = [0.0, 0.5]
schedules = ["constant", "one_cycle"]
epochs = [1]
optimizers = {{ sgd = {{ learning_rate = 0.01 }}, fast = {{ learning_rate = [0.05, 0.1], momentum = 0.9 }} }}
[heads]
network = "attention"
reference = "2 heads"
epochs = 1
[heads.variants]
"1 head" = {{ heads = 1 }}
"2 heads" = {{}}
[distortions]
datasets = ["mnist-rotated"]
epochs = 1
images = 1000
[distortions.reported]
mnist-rotated = {{ CNN = 1.2 }}
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
    assert 1 <= len(done.summary) <= 3
    assert 'id="answers"' in html
    assert list(done.results["sections"]) == [section.KEY for section in sections()]
    json.dumps(done.results)


@pytest.mark.torture
def test_a_second_run_measures_nothing_again_and_says_the_same(finished):
    done, again, folder = finished
    assert again.results["sections"] == done.results["sections"]
    networks, ablation, heads, distorted = 2 * len(list(NETWORKS)) + 2, 2, 2, len(list(NETWORKS))
    rates, combinations, confirmed = 2 * 3, 8, 2
    trained = networks + ablation + heads + distorted + rates + combinations + confirmed
    assert len(list((folder / "out" / "runs").iterdir())) == trained
    assert write_report(done.report.parent) == done.report


@pytest.mark.torture
def test_one_training_is_read_twice(finished, small):
    networks = finished[0].results["sections"]["reproduction"]["networks"]
    for runs in networks.values():
        for best, last, accuracies in zip(
            runs["best_accuracy"], runs["last_accuracy"], runs["accuracies"], strict=True
        ):
            assert best == pytest.approx(max(accuracies))
            assert last == pytest.approx(accuracies[-1])


@pytest.mark.torture
def test_the_epoch_is_also_chosen_on_images_that_were_held_out(finished):
    selection = finished[0].results["sections"]["selection"]
    assert selection["held_out"] == 200
    assert list(selection["held_out_runs"]) == ["stn"]
    for network in (*selection["networks"].values(), selection["sound"]["stn"]):
        accuracies = network["accuracies"]
        for best, lowest, last in zip(accuracies[BEST], accuracies[LOWEST_LOSS], accuracies[LAST], strict=True):
            assert best >= max(lowest, last)
    runs, chosen = selection["held_out_runs"]["stn"], selection["sound"]["stn"]["accuracies"][HELD_OUT]
    for accuracy, on_test, held_out in zip(chosen, runs["accuracies"], runs["held_out_accuracies"], strict=True):
        assert accuracy == on_test[held_out.index(max(held_out))]


@pytest.mark.torture
def test_claims_are_compared_with_the_prediction_interval(finished):
    stn, coordconv = finished[0].results["sections"]["reproduction"]["claims"]
    assert [row["what"] for row in stn["figures"]] == ["best accuracy", "loss, epoch 1", "accuracy, epoch 1"]
    [best] = coordconv["figures"]
    low, high = best["expected"]
    assert best["within"] == (low <= 0.5 <= high)


@pytest.mark.torture
def test_only_attention_across_the_batch_depends_on_the_batch(finished):
    networks = finished[0].results["sections"]["batches"]["networks"]
    across = {name: getattr(NETWORKS[name], "mixes_batch", False) for name in NETWORKS}
    depends = {
        name: max(way["largest"] for seed in audits for way in seed["shown"]) > audits[0]["tolerance"]
        for name, audits in networks.items()
    }
    assert depends == across


@pytest.mark.torture
def test_counts_of_parameters_are_explained(finished):
    text = finished[0].report.read_text()
    assert "coordconv: 23,340 parameters in use" in text
    assert finished[0].results["sections"]["parameters"]["networks"]["coordconv"]["shadows"] == 260 + 5_020
    assert "5,280 dead parameters, which is what it counts" in text  # 28,620 = 23,340 + 5,280


@pytest.mark.torture
def test_every_removable_module_is_removed(finished):
    removed = finished[0].results["sections"]["modules"]["removed"]
    removable = {name: removable_modules(build(name, (1, 28, 28), 10, {})) for name in NETWORKS}
    assert {name: set(modules) for name, modules in removed.items()} == {n: set(m) for n, m in removable.items() if m}
    attention = removed["attention"]["attention"]
    assert attention["without"] != attention["with"]


@pytest.mark.torture
def test_the_factorial_experiment_ran_every_combination_once(finished):
    factorial = finished[0].results["sections"]["suggestions"]
    assert len(factorial["runs"]) == 2 * 2 * 2
    assert sum(row["chosen"] for row in factorial["tried"]) == 2 * 2
    assert len(factorial["tried"]) == 2 * 3
    [confirmed] = factorial["confirmed"]
    assert len(confirmed["accuracies"]) == 2
    assert {tuple(effect["factors"]) for effect in factorial["effects"]} >= {("dropout",), ("dropout", "optimiser")}


@pytest.mark.torture
def test_replays_end_with_the_stored_weights(finished):
    spikes = finished[0].results["sections"]["spikes"]["networks"]
    assert spikes["stn"]["identical"]
    assert len(spikes["stn"]["loss"]) == len(spikes["stn"]["outside"]["mean"]) == 4


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('control = "trunk"', 'control = "none"'), "control among the networks"),
        (('"stn", "trunk"', '"stm", "trunk"'), "Did you mean 'stn'"),
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
def test_a_wrong_study_file_is_refused_before_anything_is_trained(tmp_path, small, change, message):
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
    assert (full.seeds, full.epochs, full.recipe) == (10, 300, "seed-003")
    assert len(full.networks) == 6


def test_what_stored_measurements_were_asked_stays_the_same():
    full = load_study("spatial-attention")[1].sized("full", None)
    asked = json.dumps({section.KEY: full.settings_for(section.KEY) for section in sections()}, sort_keys=True)
    assert (
        hashlib.sha256(asked.encode()).hexdigest()[:16] == "c6d37882966a1c62"
    )  # a change of it measures every study again
