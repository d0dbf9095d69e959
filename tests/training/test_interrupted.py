"""Training ends soon after it is interrupted, keeps its state, and goes on from there."""

import signal
import threading
import time
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from shiftassay.execution.cores import available_cores
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.store import Mended, Run, read_arrays, write_arrays
from shiftassay.training import engine, parts
from shiftassay.training.checkpoint import Progress
from shiftassay.training.train import train

RECIPE = Recipe("r", epochs=3, batch_size=20, optimizer="sgd", learning_rate=0.05, momentum=0.9, held_out=200)
SMALL = {"widths": [24], "dropout": 0.2}


@pytest.fixture(autouse=True)
def short_slices(monkeypatch):
    monkeypatch.setattr(parts, "SLICE", 0.002)


def interrupt_in_training(seconds):
    """Interrupt this process so many seconds after threads have begun to train; when that was, once it is done."""
    times = []

    def interrupt():
        while not any("ThreadPoolExecutor" in thread.name for thread in threading.enumerate()):
            time.sleep(0.01)
        time.sleep(seconds)
        times.append(time.monotonic())
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # here: it does not wake the thread that waits

    threading.Thread(target=interrupt, daemon=True).start()
    return times


@pytest.fixture
def interruptible():
    """SIGINT raises, though whoever began the tests may have them ignore it, as a shell does in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_an_interrupt_within_an_epoch_is_heeded_soon_and_training_goes_on_from_there(seeds, small, tmp_path):
    long = Recipe("long", epochs=3000, batch_size=20, optimizer="sgd", learning_rate=0.001, held_out=200)
    times = interrupt_in_training(0.5)
    with pytest.raises(KeyboardInterrupt):
        train("mlp", small, recipe=long, parameters=SMALL, seeds=seeds, store=tmp_path)
    assert time.monotonic() - times[0] < 2
    kept = list((tmp_path / "runs").glob("*/checkpoint.safetensors"))
    assert len(kept) == min(len(seeds), available_cores())  # as many as train at a time
    for checkpoint in kept:
        arrays, about = read_arrays(checkpoint)
        assert len(about["metrics"]) + len(arrays["part/losses"]) > 0


@pytest.mark.parametrize("network", ["mlp", "noisy"])
def test_what_goes_on_within_an_epoch_ends_with_the_same_numbers(network, small, tmp_path, monkeypatch):
    if network == "noisy":  # no dropout layer of ours: the plain path, and PyTorch's own generator
        from shiftassay.training import path

        monkeypatch.setattr(path.native, "available", lambda: False)
        monkeypatch.setattr(torch.nn.Dropout, "__init__", torch.nn.AlphaDropout.__init__)
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)
    settings = {"recipe": RECIPE, "parameters": SMALL}
    with pytest.warns() if network == "noisy" else nullcontext():
        [whole] = train("mlp", small, store=tmp_path / "whole", **settings)
        saves = []
        save = engine.save

        def break_off(*arguments):
            save(*arguments)
            saves.append(1)
            if len(saves) in (3, 9):
                raise KeyboardInterrupt

        monkeypatch.setattr(engine, "save", break_off)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                train("mlp", small, store=tmp_path / "broken", **settings)
        [resumed] = train("mlp", small, store=tmp_path / "broken", **settings)
    for name, weights in whole.model.state_dict().items():
        assert torch.equal(weights, resumed.model.state_dict()[name])
    assert [m.to_json() for m in whole.metrics] == [m.to_json() for m in resumed.metrics]
    assert np.array_equal(whole.test_logits, resumed.test_logits)


def broken_off(small, folder, monkeypatch):
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)

    def break_off(trial, metrics):
        if metrics.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("mlp", small, recipe=RECIPE, parameters=SMALL, store=folder, watch=break_off)
    [run] = (folder / "runs").iterdir()
    return Run(run)


@pytest.mark.parametrize(
    "damage", ["flipped", *(pytest.param(d, marks=pytest.mark.torture) for d in ("truncated", "empty"))]
)
def test_a_damaged_checkpoint_starts_the_run_anew(damage, small, tmp_path, monkeypatch):
    run = broken_off(small, tmp_path / "broken", monkeypatch)
    path = run.folder / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes({"flipped": content, "truncated": content[:-50], "empty": b""}[damage])
    [whole] = train("mlp", small, recipe=RECIPE, parameters=SMALL)
    epochs = []
    with pytest.warns(Mended, match=r"checkpoint\.safetensors: damaged.*begins anew"):
        [member] = train(
            "mlp",
            small,
            recipe=RECIPE,
            parameters=SMALL,
            store=tmp_path / "broken",
            watch=lambda t, m: epochs.append(m.epoch),
        )
    assert epochs == [1, 2, 3]
    assert np.array_equal(whole.test_logits, member.test_logits)


def test_a_checkpoint_of_another_version_starts_the_run_anew(small, tmp_path, monkeypatch):
    run = broken_off(small, tmp_path, monkeypatch)
    arrays, progress = run.last_checkpoint(Progress)
    assert Progress.from_json(progress.to_json()) == progress
    write_arrays(run.folder / "checkpoint.safetensors", arrays, replace(progress, torch="1.0").to_json())
    with pytest.warns(Mended, match="another version"):
        train("mlp", small, recipe=RECIPE, parameters=SMALL, store=tmp_path)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "predictions.safetensors", "metrics.json", "model.json", "trial.json"]
)
@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_a_damaged_run_is_trained_again_and_that_is_said(name, damage, small, tmp_path):
    settings = {"recipe": RECIPE, "parameters": SMALL, "store": tmp_path}
    [first] = train("mlp", small, **settings)
    path = first.folder / name
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.unlink()
    if damage == "flipped":
        path.write_bytes(content)
    if (name, damage) == ("model.json", "gone"):  # it was never finished, as far as anyone can know
        [again] = train("mlp", small, **settings)
    else:
        with pytest.warns(Mended, match=f"{name}: (damaged|missing|not readable).*trained again"):
            [again] = train("mlp", small, **settings)
    assert not again.reused
    assert np.array_equal(first.test_logits, again.test_logits)
    [stored] = train("mlp", small, **settings)
    assert stored.reused


def test_a_lost_environment_costs_no_training(small, tmp_path):
    settings = {"recipe": RECIPE, "parameters": SMALL, "store": tmp_path}
    [first] = train("mlp", small, **settings)
    (first.folder / "environment.json").write_text("{")
    with pytest.warns(Mended, match=r"environment\.json"):
        [again] = train("mlp", small, **settings)
    assert again.reused
    assert {metrics.seconds for metrics in again.metrics} == {None}
    [quietly] = train("mlp", small, **settings)
    assert quietly.reused
