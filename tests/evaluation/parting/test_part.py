"""Two models on the same images: the difference that was made is the one that is found, by measurement."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from shiftassay.evaluation.parting.part import parting
from shiftassay.models.export import export
from shiftassay.models.load import load_model
from shiftassay.models.prepared import module_of


class Network(nn.Module):
    """A small network of colour images with batch normalization and dropout."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.4)
        self.head = nn.Linear(8 * 16, 5)
        self.norm.running_mean += 0.3
        with torch.no_grad():
            self.head.weight *= 6

    def forward(self, images):
        hidden = self.drop(F.max_pool2d(F.relu(self.norm(self.conv(images))), 2)[:, :, :4, :4].flatten(1))
        return self.head(hidden)


class InTraining(nn.Module):
    """A model that somebody forgot to put into evaluation mode, and that can't be any more."""

    def __init__(self, model, *kinds):
        super().__init__()
        self.model, self.kinds = model, kinds

    def train(self, mode=True):
        super().train(mode)
        for module in self.modules():
            if isinstance(module, self.kinds):
                module.training = True
        return self

    def forward(self, images):
        return self.model(images)


@pytest.fixture(scope="module")
def network():
    return Network().eval()


@pytest.fixture(scope="module")
def images():
    smooth = np.random.default_rng(0).random((200, 3, 5, 5), np.float32)
    return F.interpolate(torch.from_numpy(smooth), size=12, mode="bilinear").numpy()


def part(first, second, images):
    return parting(("a", "b"), (first, second), images)


def with_other(network, name):
    changed = copy.deepcopy(network)
    torch.manual_seed(4)
    with torch.no_grad():
        tensor = changed.state_dict()[name]
        tensor.copy_(torch.randn_like(tensor) * (tensor.std() or 1.0) + tensor.mean())
    return changed


class Halved(nn.Module):
    """A network in half precision."""

    def __init__(self, network):
        super().__init__()
        self.network = copy.deepcopy(network).half()

    def forward(self, images):
        return self.network(images.half()).float()


def quantized(network):
    """A network of 8-bit weights."""
    changed = copy.deepcopy(network)
    for layer in (changed.conv, changed.head):
        scale = float(layer.weight.detach().abs().max()) / 127
        layer.weight.data = torch.from_numpy(np.rint(layer.weight.detach().numpy() / scale).astype(np.int8)) * scale
    return changed


CASES = {
    "bgr": (lambda n: module_of(n, "bgr"), "input", "bgr"),
    "bytes": (lambda n: module_of(n, "0:255"), "input", "0:255"),
    "normalized": (lambda n: module_of(n, "imagenet,bgr"), "input", "imagenet,bgr"),
    "rows and columns": (lambda n: lambda x: n(torch.from_numpy(x).transpose(2, 3)), "input", "rows and columns"),
    "statistics of the batch": (lambda n: InTraining(copy.deepcopy(n), nn.BatchNorm2d), "mode", "batch normalization"),
    "dropout": (lambda n: InTraining(copy.deepcopy(n), nn.Dropout), "mode", "dropout"),
    "fp16": (Halved, "precision", "fp16"),
    "int8": (quantized, "precision", "int8, one scale for each tensor"),
    "one layer": (lambda n: with_other(n, "head.weight"), "weights", "they differ in head"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_changed_is_what_explains_it(case, network, images):
    make, kind, change = CASES[case]
    parted = part(network, module_of(make(network)), images)
    best = parted.explanations[0]
    assert (best.kind, best.explains) == (kind, True), parted
    assert change in best.change
    assert best.agreement.estimate > parted.agreement.estimate or parted.agreement.estimate > 0.98 or case == "dropout"
    assert not any(other.explains for other in parted.explanations[1:] if other.kind != "weights"), parted


def test_another_network_is_explained_by_its_weights_alone(images, network):
    torch.manual_seed(9)
    other = Network()
    nn.init.normal_(other.conv.weight)
    nn.init.normal_(other.head.weight)
    parted = part(network, other.eval(), images)
    assert [e.kind for e in parted.explanations if e.explains] == ["weights"]


def test_what_nothing_explains_is_said(images, network):
    other = nn.Sequential(nn.Flatten(), nn.Linear(3 * 144, 5))
    parted = part(network, other.eval(), images)
    assert not any(e.explains for e in parted.explanations)
    assert "nothing that was tried explains it" in parted.sentences()[0]
    assert parted.not_tried == {"weights": "names or shapes differ"}


def test_the_same_model_is_the_same_up_to_rounding(images, network):
    parted = part(network, module_of(lambda x: network(torch.from_numpy(x))), images)
    assert parted.same
    assert parted.explanations == ()
    assert len(parted.sentences()) == 1


def test_they_part_from_the_layer_on_that_was_changed(images, network):
    layers = part(network, with_other(network, "norm.bias"), images).layers
    assert layers.layers == ("conv", "norm", "head")
    assert layers.layers[layers.first] == "norm"
    assert "from layer norm on, the 2nd of 3, before which all are the same" in layers.sentence


def test_layers_are_matched_behind_what_prepares_images(images, network):
    layers = part(network, module_of(network, "bgr"), images).layers
    assert layers.layers == ("conv", "norm", "head")
    assert layers.first == 0


def test_it_is_the_same_for_the_same_seed_and_survives_json(images, network):
    one, two = (part(network, module_of(network, "bgr"), images) for _ in range(2))
    assert one.to_json() == two.to_json()
    assert type(one).from_json(one.to_json()) == one


def test_the_models_keep_their_modes(images, network):
    other = copy.deepcopy(network).train()
    part(network, other, images[:40])
    assert other.training
    assert not network.training


def in_int8(source, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8)


def in_fp16(source, target):
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


@pytest.mark.torture
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("written", "change"), [(in_int8, "int8"), (in_fp16, "weights and images in fp16")])
def test_the_precision_of_a_file_of_onnx_runtime_is_what_explains_it(written, change, images, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    torch.manual_seed(0)
    shape = images.shape[1:]
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 64), nn.ReLU(), nn.Linear(64, 10)).eval()
    with torch.no_grad():
        module[3].weight *= 30  # as of a trained one: so that what is rounded shows
    export(module, tmp_path / "model.onnx", shape=shape)
    written(tmp_path / "model.onnx", tmp_path / "other.onnx")
    parted = parting(("module", "file"), (module, load_model(tmp_path / "other.onnx")), images)
    best = parted.explanations[0]
    assert (best.kind, best.explained.low > 0.8) == ("precision", True), str(parted)
    assert change in best.change
