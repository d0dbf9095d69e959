import json
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.diagnosis import identify as room
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.undone import read_undo
from shiftassay.errors import BadInput
from shiftassay.models.export import export, read_shape
from shiftassay.models.exported_program import quiet_export
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict
from shiftassay.models.prepared import module_of
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.shifts.catalog import parse, shift

SHAPE = (3, 8, 8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return {ending: export(network, folder / f"m.{ending}", shape=SHAPE).file for ending in ("onnx", "pt2")}


@pytest.fixture
def images():
    return np.random.default_rng(0).random((9, *SHAPE), np.float32)


@pytest.mark.parametrize("ending", ["onnx", "pt2"])
@pytest.mark.parametrize("count", [1, 9])
def test_a_file_says_all_of_itself_and_answers_as_the_model(network, files, images, ending, count):
    model = load_model(files[ending], trust=True)
    np.testing.assert_allclose(
        predict(images[:count], model=model), predict(images[:count], model=network), rtol=1e-4, atol=1e-5
    )


def test_an_undo_in_front_gives_the_answers_to_the_images_as_they_were(network, files, images, tmp_path):
    turned = parse("flip_horizontal+channel_order:order=[2,1,0]")
    shifted = turned.apply(images, np.random.default_rng(0))
    expected = predict(images, model=network)
    for ending in ("onnx", "pt2"):
        exported = export(network, tmp_path / f"undone.{ending}", shape=SHAPE, undo=turned)
        assert exported.undone == str(turned)
        answers = predict(shifted, model=load_model(exported.file, trust=True))
        np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.torture
def test_an_undo_is_put_before_a_file_that_takes_images_in_its_own_way(network, images, tmp_path):
    class ChannelsLast(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, pixels):
            return self.network(pixels.permute(0, 3, 1, 2) / 255).softmax(1)

    program = torch.export.export(
        ChannelsLast().eval(), (torch.rand(2, 8, 8, 3),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    with warnings.catch_warnings(action="ignore"), quiet_export():
        torch.onnx.export(program, (), tmp_path / "theirs.onnx", verbose=False)
    theirs = load_model(tmp_path / "theirs.onnx", takes="0:255")
    exported = export(theirs, tmp_path / "undone.onnx", undo=parse("invert"))
    assert exported.takes == "nhwc,0:255,probabilities"
    answers = predict(1 - images, model=load_model(exported.file))
    np.testing.assert_allclose(answers, predict(images, model=theirs), rtol=1e-4, atol=1e-5)
    with pytest.raises(BadInput, match=r"is ONNX already, and can only be written as that, with --undo"):
        export(theirs, tmp_path / "theirs.pt2")


@pytest.mark.torture
@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_of_ours_is_written_as_both(name, tmp_path):
    model = build(name, (1, 28, 28), 10, {})
    for ending in ("onnx", "pt2"):
        assert export(model, tmp_path / f"m.{ending}", shape=(1, 28, 28)).largest_difference < 1e-3


def test_the_undo_is_that_of_a_stored_diagnosis(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "searched_families", lambda: ["identity", "invert"])
    stored = diagnose(digits, shift(digits, "invert")).to_json()
    (tmp_path / "d.json").write_text(json.dumps(stored))
    assert read_undo(tmp_path / "d.json") == parse("invert")
    for change, message in (
        ({"schema": "shiftassay.audit/1"}, "no diagnosis. Write one with"),
        ({"verdict": {**stored["verdict"], "family": "unknown", "shift": None}}, "verdict is unknown, and there is"),
        ({"verdict": {**stored["verdict"], "share": 0.5}}, "only some images were touched"),
    ):
        (tmp_path / "d.json").write_text(json.dumps({**stored, **change}))
        with pytest.raises(BadInput, match=message):
            read_undo(tmp_path / "d.json")


def test_what_can_not_be_written_is_said(network, tmp_path, monkeypatch):
    class Branches(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :3] if x.sum() > 0 else -x.flatten(1)[:, :3]

    cases = [
        (network, "m.h5", SHAPE, r"a model is written as .onnx or .pt2. Name it m.onnx"),
        (network, "m.onnx", None, r"doesn't say the size of its images. Say it: --shape 3,224,224"),
        (network, "m.onnx", (3, 9, 8), r"can't be asked about images of that size"),
        (module_of(lambda images: images), "m.onnx", SHAPE, "a function of arrays is only asked"),
        (Branches(), "m.pt2", SHAPE, "PyTorch can't export the model"),
    ]
    for model, name, shape, message in cases:
        with pytest.raises(BadInput, match=message):
            export(model, tmp_path / name, shape=shape)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(BadInput, match=r"pip install 'shiftassay\[onnx\]'"):
        export(network, tmp_path / "m.onnx", shape=SHAPE)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="expected channels, height and width"):
        read_shape("224")
