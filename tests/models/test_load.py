import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict
from shiftassay.sealed import read_sealed, write_sealed
from shiftassay.training.train import train

FACTORY = """
from torch import nn
def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
def wrong():
    return 3
def boom():
    raise ValueError("no such size")
class Pair(nn.Module):
    def forward(self, images):
        return images, images
"""


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    return train("mlp", small, recipe="seed-003", epochs=1, parameters={"widths": [16]}, store=store)[0]


@pytest.fixture
def factory(tmp_path, monkeypatch):
    (tmp_path / "my_models.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    return "my_models:make"


def test_a_run_is_loaded_as_it_was_trained(trained, small):
    loaded = load_model(trained.folder)
    assert np.allclose(predict(small.test.images, model=loaded), trained.test_logits, atol=1e-5)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_users_factory_with_weights_is_loaded(factory, tmp_path, suffix):
    from safetensors.torch import save_file

    theirs = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    path = tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(theirs.state_dict(), path)
    images = torch.rand(4, 1, 28, 28)
    assert torch.equal(load_model(factory, path)(images), theirs(images))


def test_weights_that_would_run_code_are_refused(factory, tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(BadInput, match="can't be read as weights"):
        load_model(factory, tmp_path / "evil.pt")


def test_what_is_wrong_is_said(factory, tmp_path, trained):
    torch.save(nn.Linear(3, 3).state_dict(), tmp_path / "other.pt")
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save({"state_dict": {}, "epoch": 3}, tmp_path / "checkpoint.pt")
    torch.save({f"module.{k}": v for k, v in load_model(factory).state_dict().items()}, tmp_path / "parallel.pt")
    cases = [
        (("my_models:boom", None), "no such size"),
        ((":make", None), "package.module:factory"),
        ((trained.folder, tmp_path / "other.pt"), "brings its own"),
        ((factory, tmp_path / "text.pt"), "can't be read"),
        ((factory, tmp_path / "empty.pt"), "can't be read"),
        ((factory, tmp_path / "checkpoint.pt"), "Save model.state_dict"),
        ((factory, tmp_path / "parallel.pt"), "model.module.state_dict"),
        ((tmp_path, None), "not a run's folder"),
        (("my_models:mak", None), "my_models:mak"),
        (("no_such_module:make", None), "no_such_module"),
        (("my_models:wrong", None), "returned int"),
        ((factory, tmp_path / "absent.pt"), "no such file"),
        ((factory, tmp_path / "other.pt"), "does not fit"),
        ((factory, tmp_path / "broken.safetensors"), "can't be read"),
    ]
    for (name, weights), message in cases:
        with pytest.raises(BadInput, match=message):
            load_model(name, weights)


def test_images_that_do_not_fit_are_said_to(trained):
    with pytest.raises(BadInput, match=r"can't take images of \(1, 32, 32\)"):
        predict(np.zeros((2, 1, 32, 32), np.float32), model=load_model(trained.folder))


def test_a_model_that_returns_no_logits_is_refused(factory):
    with pytest.raises(BadInput, match="one logit for each class"):
        predict(np.zeros((2, 1, 28, 28), np.float32), model=load_model("my_models:Pair"))


@pytest.mark.parametrize(
    "change",
    [{"classes": 2**28}, {"parameters": {"widths": [2**24]}}, {"input_shape": [1, 2**15, 2**15]}, {"classes": -1}],
)
def test_a_card_that_names_other_sizes_than_its_weights_takes_no_memory(trained, tmp_path, change):
    folder = Path(shutil.copytree(trained.folder, tmp_path / "run"))
    write_sealed(folder / "model.json", {**read_sealed(folder / "model.json"), **change})
    begun = time.process_time()
    with pytest.raises(BadInput):
        load_model(folder)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_of_holes_are_refused_before_they_are_read(factory, tmp_path, suffix):
    with (tmp_path / f"weights{suffix}").open("wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(BadInput, match=r"reading it takes 4\.0 TiB"):
        load_model(factory, tmp_path / f"weights{suffix}")


def test_compressed_weights_that_would_fill_the_memory_are_refused(factory, tmp_path):
    torch.save({"w": torch.zeros(80 << 20, dtype=torch.uint8)}, tmp_path / "whole.pt")
    with zipfile.ZipFile(tmp_path / "whole.pt") as whole, zipfile.ZipFile(tmp_path / "a.pt", "w") as packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name), zipfile.ZIP_DEFLATED, compresslevel=1)
    with pytest.raises(BadInput, match="more than 200 times the compressed size is refused"):
        load_model(factory, tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"input_shape": ["mnist", 28, 2**31]},
            "input_shape must be three whole numbers",
        ),  # once a text as long as memory
        ({"input_shape": [1, 28]}, "input_shape must be three whole numbers"),
        ({"classes": True}, "classes must be a whole number"),
        ({"mean": "0.1"}, "mean must be a finite number"),
        ({"sd": 0}, "sd must not be 0"),
    ],
)
def test_a_card_of_what_can_not_be_is_refused(trained, tmp_path, change, sentence):
    folder = Path(shutil.copytree(trained.folder, tmp_path / "run"))
    write_sealed(folder / "model.json", {**read_sealed(folder / "model.json"), **change})
    with pytest.raises(BadInput, match=sentence):
        load_model(folder)
