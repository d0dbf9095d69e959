"""Networks as others wrote them, with the weights that others would save, against ours after the import."""

import json

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.models.foreign import Imported, import_weights, keep
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict


class Trunk(nn.Module):
    """PyTorch's MNIST example of old."""

    def __init__(self, convolution=nn.Conv2d):
        super().__init__()
        self.conv1 = convolution(1, 10, kernel_size=5)
        self.conv2 = convolution(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = F.relu(self.fc1(x.view(-1, 320)))
        x = F.dropout(x, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class Stn(Trunk):
    """The spatial-transformer tutorial's."""

    def __init__(self, convolution=nn.Conv2d):
        super().__init__(convolution)
        self.localization = nn.Sequential(
            convolution(1, 8, kernel_size=7),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
            convolution(8, 10, kernel_size=5),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
        )
        self.fc_loc = nn.Sequential(nn.Linear(90, 32), nn.ReLU(True), nn.Linear(32, 6))

    def forward(self, x):
        theta = self.fc_loc(self.localization(x).view(-1, 90)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return super().forward(F.grid_sample(x, grid, align_corners=False))


class CoordConv2d(nn.Conv2d):
    """Seed 003's: a convolution that holds another, and uses only that; coordinates in the order row, column."""

    def __init__(self, c1, c2, kernel_size):
        super().__init__(c1, c2, kernel_size)
        self.conv = nn.Conv2d(c1 + 2, c2, kernel_size)

    def forward(self, x):
        n, _, height, width = x.shape
        row = torch.arange(height).view(1, 1, height, 1).expand(n, 1, height, width) / (height - 1) * 2 - 1
        column = torch.arange(width).view(1, 1, 1, width).expand(n, 1, height, width) / (width - 1) * 2 - 1
        return self.conv(torch.cat([x, row, column], dim=1))


class Vit(nn.Module):
    """Seed 003's: the sequence is (image, position, channel), the attention takes it for (position, image, channel)."""

    def __init__(self, c):
        super().__init__()
        self.q = nn.Linear(c, c, bias=False)
        self.k = nn.Linear(c, c, bias=False)
        self.v = nn.Linear(c, c, bias=False)
        self.ma = nn.MultiheadAttention(c, 2)

    def forward(self, x):
        n, c, height, width = x.shape
        x = x.flatten(2).permute(0, 2, 1)
        x = self.ma(self.q(x), self.k(x), self.v(x))[0] + x
        return x.permute(0, 2, 1).reshape(n, c, height, width)


class Attention(Trunk):
    def __init__(self):
        super().__init__()
        self.vit1 = Vit(10)
        self.vit2 = Vit(20)

    def forward(self, x):
        x = self.vit1(F.relu(F.max_pool2d(self.conv1(x), 2)))
        x = self.vit2(F.relu(F.max_pool2d(self.conv2(x), 2)))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x.flatten(1)))), dim=1)


LAYOUTS = {
    "trunk": Trunk,
    "stn": Stn,
    "coordconv": lambda: Trunk(CoordConv2d),
    "coordconv-stn": lambda: Stn(CoordConv2d),
    "attention-across-batch": Attention,
}


def theirs(name):
    torch.manual_seed(5)
    model = LAYOUTS[name]().eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights *= 2  # answers that differ between images
        if "stn" in name:
            model.fc_loc[2].weight *= 0.05  # transformations that leave something to be seen
            model.fc_loc[2].bias.copy_(torch.tensor([0.9, 0.1, 0.05, -0.2, 1.1, -0.05]))
    return model


def answers(model, digits):
    with torch.no_grad():
        return model((torch.from_numpy(digits.images) - 0.1307) / 0.3081)


@pytest.fixture(params=list(LAYOUTS))
def name(request):
    return request.param


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_the_imported_network_answers_as_theirs_did(name, suffix, digits, tmp_path):
    model, path = theirs(name), tmp_path / f"theirs{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(model.state_dict(), path)
    imported = import_weights(path)
    assert imported.network == name
    ours = load_model(keep(imported, tmp_path / "ours", path))
    expected = answers(model, digits)
    assert expected.argmax(1).unique().numel() > 2
    assert torch.allclose(torch.from_numpy(predict(digits.images, model=ours)), expected, atol=1e-5)


def test_coordconvs_dead_convolutions_are_dropped_and_counted(tmp_path):
    model = theirs("coordconv-stn")
    assert sum(weights.numel() for weights in model.parameters()) == 37_834
    torch.save(model.state_dict(), tmp_path / "theirs.pt")
    imported = import_weights(tmp_path / "theirs.pt")
    assert (imported.parameters, imported.dropped) == (30_144, 7_690)
    assert Imported.from_json(imported.to_json()) == imported
    assert len(repr(imported)) < 200
    assert str(imported).startswith("coordconv-stn, 30,144 parameters kept, 7,690 dropped.")
    dropped = {change.tensor for change in imported.changes if change.here is None}
    assert dropped == {
        f"{layer}.{kind}"
        for layer in ("conv1", "conv2", "localization.0", "localization.3")
        for kind in ("weight", "bias")
    }
    assert all("never used" in change.reason for change in imported.changes if change.here is None)
    assert sum("change places" in change.reason for change in imported.changes) == 4


def test_attention_is_imported_for_what_it_computes_and_otherwise_only_on_demand(tmp_path):
    torch.save(theirs("attention-across-batch").state_dict(), tmp_path / "theirs.pt")
    imported = import_weights(tmp_path / "theirs.pt")
    assert any("image to image of a batch" in note for note in imported.notes)
    assert {change.tensor: change.here for change in imported.changes}["vit2.ma.in_proj_bias"] == (
        "attention2.attention.in_proj_bias"
    )
    assert imported.dropped == 0
    forced = import_weights(tmp_path / "theirs.pt", "attention")
    assert forced.network == "attention"
    assert any("not trained for" in note for note in forced.notes)


@pytest.mark.parametrize(
    ("wrap", "note"),
    [
        (lambda state: {f"module.{name}": tensor for name, tensor in state.items()}, "DataParallel"),
        (lambda state: {"epoch": 3, "model_state_dict": state, "optimizer": {"lr": 0.1}}, "not epoch, optimizer"),
        (lambda state: {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, "checkpoint"),
        (lambda state: {name: tensor.double() for name, tensor in state.items()}, "float64"),
    ],
)
def test_what_others_put_around_weights_is_taken_off_and_said(wrap, note, tmp_path):
    state = theirs("stn").state_dict()
    torch.save(wrap(state), tmp_path / "theirs.pt")
    imported = import_weights(tmp_path / "theirs.pt")
    assert imported.network == "stn"
    assert all(torch.equal(imported.state[name], tensor) for name, tensor in state.items())
    assert note in " ".join(imported.notes)


def test_our_own_weights_come_back_as_they_were(name, tmp_path):
    torch.save(theirs(name).state_dict(), tmp_path / "theirs.pt")
    first = import_weights(tmp_path / "theirs.pt")
    torch.save(first.state, tmp_path / "ours.pt")
    again = import_weights(tmp_path / "ours.pt", name if name == "attention-across-batch" else None)
    assert again.network == name
    assert again.changes == ()
    assert all(torch.equal(tensor, first.state[key]) for key, tensor in again.state.items())


def test_the_folder_says_honestly_what_is_known(tmp_path):
    torch.save(theirs("coordconv").state_dict(), tmp_path / "theirs.pt")
    imported = import_weights(tmp_path / "theirs.pt")
    folder = keep(imported, tmp_path / "ours", "theirs.pt")
    card = json.loads((folder / "model.json").read_text())
    assert (card["trial"], card["data"], card["seed"]) == ("imported", "unknown", None)
    assert json.loads((folder / "import.json").read_text()) == {"source": "theirs.pt", **imported.to_json()}


def test_a_run_of_our_own_is_not_overwritten_but_an_import_is(tmp_path):
    torch.save(theirs("trunk").state_dict(), tmp_path / "theirs.pt")
    imported = import_weights(tmp_path / "theirs.pt")
    keep(imported, tmp_path / "ours", "theirs.pt")
    keep(imported, tmp_path / "ours", "theirs.pt")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "trial.json").write_text("{}")
    with pytest.raises(BadInput, match="Name another folder"):
        keep(imported, tmp_path / "run", "theirs.pt")


def test_what_does_not_fit_is_listed_with_the_nearest_network(tmp_path):
    state = theirs("stn").state_dict()
    cases = [
        ({**state, "extra.weight": torch.zeros(3)}, None, r"nearest is stn.*extra.weight \(3,\) is unknown"),
        ({**state, "fc1.weight": torch.zeros(50, 500)}, None, r"fc1.weight is \(50, 500\) instead of \(50, 320\)"),
        ({k: v for k, v in state.items() if k != "fc2.bias"}, None, r"nearest is stn.*fc2.bias \(10,\) is missing"),
        (state, "trunk", "fits not trunk.*localization.0.weight"),
        (state, "snt", "Did you mean 'stn'"),
        ({"epoch": 3}, None, "not tensors by name"),
    ]
    for content, network, message in cases:
        torch.save(content, tmp_path / "theirs.pt")
        with pytest.raises(BadInput, match=message):
            import_weights(tmp_path / "theirs.pt", network)


def test_weights_that_fit_two_networks_need_a_word(tmp_path):
    torch.save(theirs("attention-across-batch").state_dict(), tmp_path / "theirs.pt")
    torch.save(import_weights(tmp_path / "theirs.pt").state, tmp_path / "ours.pt")
    with pytest.raises(BadInput, match="--network"):
        import_weights(tmp_path / "ours.pt")


def test_code_in_a_file_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(BadInput, match="can't be read as weights"):
        import_weights(tmp_path / "evil.pt")


def test_another_number_of_classes_is_taken_from_the_last_layer(tmp_path):
    state = theirs("trunk").state_dict()
    torch.save({**state, "fc2.weight": torch.zeros(7, 50), "fc2.bias": torch.zeros(7)}, tmp_path / "theirs.pt")
    assert import_weights(tmp_path / "theirs.pt").classes == 7
