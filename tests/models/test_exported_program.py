import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.models.load import load_model
from shiftassay.models.predict import logits_of, predict


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("programs") / "m.pt2"
    program = torch.export.export(network, (torch.rand(2, 1, 8, 8),), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    with warnings.catch_warnings(action="ignore"):
        torch.export.save(program, path)
    return path


@pytest.fixture
def images():
    return np.random.default_rng(0).random((5, 1, 8, 8), np.float32)


def test_nothing_is_read_without_trust(path):
    with pytest.raises(BadInput, match=r"runs whatever code is in it\. Add --trust"):
        load_model(path, takes="0:1")


def test_a_program_answers_as_its_module_and_has_its_gradient(path, network, images):
    model = load_model(path, takes="0:1", trust=True)
    np.testing.assert_allclose(predict(images, model=model), predict(images, model=network), atol=1e-6)
    gradients = []
    for asked in (model, copy.deepcopy(model), network):
        at = torch.from_numpy(images).requires_grad_()
        logits_of(at, model=asked)[:, 0].sum().backward()
        gradients.append(at.grad)
    torch.testing.assert_close(gradients[0], gradients[2])
    torch.testing.assert_close(gradients[1], gradients[2])
    assert not any(module.training for module in model.modules())


def test_size_is_read_and_the_range_is_asked_for(path, images):
    with pytest.raises(BadInput, match="does not say which values black and white have"):
        load_model(path, trust=True)
    with pytest.raises(BadInput, match=r"takes images of 1 × 8 × 8 .* and these are 1 × 9 × 8"):
        predict(np.zeros((2, 1, 9, 8), np.float32), model=load_model(path, takes="0:1", trust=True))


def test_what_is_no_program_is_said_to_be_none(tmp_path):
    torch.save({"w": torch.ones(3)}, tmp_path / "weights.pt2")
    (tmp_path / "text.pt2").write_text("hello")
    for name, message in (
        ("weights.pt2", "can't be read as an exported program"),
        ("text.pt2", "can't be read as an exported program"),
        ("absent.pt2", "no such file"),
    ):
        with pytest.raises(BadInput, match=message):
            load_model(tmp_path / name, trust=True)
