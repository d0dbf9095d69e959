"""Epochs sent to TensorBoard and MLflow, read back by their own readers."""

import dataclasses
import warnings
from pathlib import Path

import pytest

from shiftassay.cli.app import app
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.runs.recipe import Recipe
from shiftassay.training import engine, tracking
from shiftassay.training.tracking import TRACKERS
from shiftassay.training.train import train

RECIPE = Recipe("tracked", epochs=3, batch_size=64, optimizer="sgd", learning_rate=0.05, held_out=300)
SMALL = {"widths": [8]}


def trained(small: Dataset, folder: Path, *names: str, recipe: Recipe = RECIPE, seeds=(0, 1), watch=None):
    with tracking.tracking(names, folder) as log:
        members = train(
            "mlp",
            small,
            recipe=recipe,
            parameters=SMALL,
            seeds=seeds,
            store=folder,
            watch=tracking.both(log, watch) if watch else log,
        )
        log.complete(members)
    return members


def scalars(folder: Path, trial, name: str) -> list[tuple[int, float]]:
    """What TensorBoard's own reader finds in the events of a trial."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard" / trial.name)).Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def losses(member) -> list[tuple[int, float]]:
    return [(metrics.epoch, pytest.approx(metrics.loss, rel=1e-6)) for metrics in member.metrics]


def test_tensorboard_reads_every_epoch_of_every_member(small, tmp_path):
    for member in trained(small, tmp_path, "tensorboard"):
        assert scalars(tmp_path, member.trial, "loss/training") == losses(member)
        accuracy = [(m.epoch, pytest.approx(m.validation_accuracy)) for m in member.metrics]
        assert scalars(tmp_path, member.trial, "accuracy/validation") == accuracy


def test_what_the_store_had_is_logged_and_once_only(small, tmp_path):
    train("mlp", small, recipe=RECIPE, parameters=SMALL, store=tmp_path)
    for _ in range(2):
        [member] = trained(small, tmp_path, "tensorboard", seeds=[0])
        assert member.reused
        assert scalars(tmp_path, member.trial, "loss/training") == losses(member)


def test_a_training_that_goes_on_is_logged_from_its_first_epoch(small, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)

    def break_off(trial, metrics):
        if metrics.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("mlp", small, recipe=RECIPE, parameters=SMALL, store=tmp_path, watch=break_off)
    seen = []
    [member] = trained(small, tmp_path, "tensorboard", seeds=[0], watch=lambda trial, metrics: seen.append(metrics))
    assert len(seen) < 3
    assert scalars(tmp_path, member.trial, "loss/training") == losses(member)


@pytest.fixture
def mlflow_files(tmp_path, monkeypatch) -> str:
    """A store of plain files: MLflow's database takes ten seconds to be made."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    return (tmp_path / "mlruns").as_uri()


def runs_at(place: str):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=place)
    experiment = client.get_experiment_by_name("shiftassay")
    return client, {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def check_mlflow(members, place: str) -> None:
    client, runs = runs_at(place)
    assert set(runs) == {member.trial.name for member in members}
    for member in members:
        run = runs[member.trial.name]
        history = client.get_metric_history(run.info.run_id, "loss/training")
        assert [(metric.step, metric.value) for metric in history] == losses(member)
        assert run.data.params["recipe.learning_rate"] == "0.05"
        assert run.data.params["seed"] == str(member.trial.seed)
        assert run.info.status == "FINISHED"


def test_mlflow_has_a_run_for_each_member(small, tmp_path, mlflow_files):
    members = trained(small, tmp_path, "mlflow")
    check_mlflow(members, mlflow_files)
    trained(small, tmp_path, "mlflow")  # reused: nothing is added
    check_mlflow(members, mlflow_files)


@pytest.mark.torture
def test_mlflow_without_a_server_keeps_a_file_beside_the_runs(small, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    members = trained(small, tmp_path, "mlflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of its own dependencies
        check_mlflow(members, f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_training_that_is_broken_off_is_not_finished(small, tmp_path, mlflow_files):
    def break_off(trial, metrics):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(small, tmp_path, "mlflow", seeds=[0], watch=break_off)
    _, runs = runs_at(mlflow_files)
    assert [run.info.status for run in runs.values()] == ["FAILED"]
    check_mlflow(trained(small, tmp_path, "mlflow", seeds=[0]), mlflow_files)


@pytest.mark.parametrize("name", list(TRACKERS))
def test_a_missing_package_is_named_with_what_installs_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda module: None)
    sentence = rf"needs {name}.*pip install 'shiftassay\[{name}\]'\.$"
    with pytest.raises(BadInput, match=sentence), tracking.tracking([name], tmp_path):
        pass


def test_a_place_that_mlflow_does_not_know_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://at-all")
    with (
        pytest.raises(BadInput, match=r"^--log-to mlflow: .*'nowhere://at-all'.*\. See MLFLOW"),
        tracking.tracking(["mlflow"], tmp_path),
    ):
        pass


def test_the_command_line_sends_epochs(tmp_path, monkeypatch, small):
    from typer.testing import CliRunner

    from shiftassay.training import train as training

    monkeypatch.setattr(training, "named_dataset", lambda name: dataclasses.replace(small, name=name))
    command = ["train", "mlp:widths=[8]", "--epochs", "2", "--log-to", "tensorboard", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, [*command, "--recipe", "seed-003"])
    assert result.exit_code == 0, result.output
    [run] = (tmp_path / "runs").iterdir()
    [events] = (tmp_path / "tensorboard").iterdir()
    assert events.name == run.name
    unknown = CliRunner().invoke(app, ["train", "mlp", "--log-to", "tensorbord", "--out", str(tmp_path)])
    assert "Did you mean 'tensorboard'?" in str(unknown.exception)
