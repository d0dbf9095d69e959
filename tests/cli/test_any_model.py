"""One model in four makes × the verbs, as commands: equal numbers, with labels and without; gates for scripts."""

import json
import sys
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from shiftassay.cli.ending import run_command_line
from shiftassay.diagnosis import identify as room
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift

IMAGES = 120
MAKES = {
    "module": "odd_makes:module",
    "function": "odd_makes:function",
    "onnx": "m.onnx --takes 0:1",
    "program": "m.pt2 --takes 0:1 --trust",
}
FACTORIES = """
import numpy as np, torch
from torch import nn

def module():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False))
    model[1].weight.data = torch.from_numpy(np.load("weights.npy").T.copy())
    return model

def function():
    weights = np.load("weights.npy")
    return lambda images: images.reshape(len(images), -1) @ weights

class Upside(nn.Module):
    def forward(self, images):
        return module()(images.flip(2))

def upside():
    return Upside()

class Forgetful(nn.Module):  # dropout that no eval() reaches
    def forward(self, images):
        return module()(nn.functional.dropout(images, 0.3, training=True))

def forgetful():
    return Forgetful()
"""


@pytest.fixture(scope="module")
def folder(mnist, tmp_path_factory):
    """Digits and the same inverted, whose labels nobody knows, labels for them, and one linear model in four makes."""
    place = tmp_path_factory.mktemp("makes")
    clean = ImageSet(np.float32(0.99) * mnist.test.images[:IMAGES])
    np.save(place / "clean.npy", clean.images)
    np.save(place / "turned.npy", shift(clean, "invert").images)
    np.save(place / "truth.npy", mnist.test.labels[:IMAGES])
    flat = mnist.train.images[:1000].reshape(1000, -1).astype(np.float64)
    targets = np.eye(10)[mnist.train.labels[:1000]] - 0.1
    weights = np.linalg.solve(flat.T @ flat + 100 * np.eye(784), flat.T @ targets).astype(np.float32)
    np.save(place / "weights.npy", weights)
    (place / "odd_makes.py").write_text(FACTORIES)
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ("n", 1, 28, 28)), ("y", ("n", 10)))
    ]
    graph = helper.make_graph(nodes, "linear", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), place / "m.onnx")
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False))
    model[1].weight.data = torch.from_numpy(weights.T.copy())
    program = torch.export.export(model, (torch.rand(2, 1, 28, 28),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    with warnings.catch_warnings(action="ignore"):
        torch.export.save(program, place / "m.pt2")
    return place


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Runs a command line; returns its exit code, stdout, stderr, and the JSON it wrote to out.json."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(room, "searched_families", lambda: ["identity", "invert", "gain"])

    def run(line):
        (folder / "out.json").unlink(missing_ok=True)
        monkeypatch.setattr(sys, "argv", ["shiftassay", *line.split()])
        code = run_command_line()
        output = capsys.readouterr()
        written = folder / "out.json"
        return code, output.out, output.err, json.loads(written.read_text()) if written.is_file() else None

    yield run
    sys.modules.pop("odd_makes", None)


pytestmark = pytest.mark.filterwarnings("default")
SLOW = pytest.mark.torture


@pytest.mark.parametrize(
    "make", ["onnx", *(pytest.param(make, marks=SLOW) for make in ("module", "function", "program"))]
)
def test_accuracy_and_verdict_are_those_of_the_weights(make, command, folder):
    clean, truth = np.load(folder / "clean.npy"), np.load(folder / "truth.npy")
    weights = np.load(folder / "weights.npy")
    right = [np.mean((x.reshape(IMAGES, -1) @ weights).argmax(1) == truth) for x in (clean, 1 - clean)]
    code, _, err, written = command(
        f"diagnose clean.npy turned.npy --labels truth.npy --model {MAKES[make]} --json out.json"
    )
    assert code == 0, err
    accuracy = written["accuracy"]
    assert written["verdict"]["family"] == "invert"
    assert [accuracy["reference"], accuracy["shifted"], accuracy["restored_blind"]] == [*right, right[0]]
    assert ("no gradient" in err) == (make in ("function", "onnx"))


@pytest.mark.parametrize("make", [pytest.param(make, marks=[SLOW] * (make != "onnx")) for make in MAKES])
def test_every_verb_takes_it(make, command, folder):
    model = MAKES[make]
    answers = (np.load("clean.npy").reshape(IMAGES, -1) @ np.load("weights.npy")).argmax(1)
    assert command(f"predict {model} clean.npy --json out.json")[3]["labels"] == answers.tolist()
    audit = command(f"audit {model} clean.npy --single-images 3 --json out.json")[3]
    checks = {check["name"]: check["verdict"] for check in audit["checks"]}
    assert checks["batch"] == checks["determinism"] == checks["modes"] == "ok"
    assert checks["parameters"] == ("ok" if make in ("module", "program") else "not measured")
    evaluated = command(f"evaluate {model} clean.npy turned.npy --labels truth.npy --json out.json")[3]["sets"]
    assert evaluated[0]["accuracy"]["estimate"] > 0.7 > 0.3 > evaluated[1]["accuracy"]["estimate"]
    compared = command(f"compare {model} odd_makes:upside clean.npy --labels truth.npy --json out.json")[3]
    assert compared["accuracy"]["groups"][0]["accuracies"] == [evaluated[0]["accuracy"]["estimate"]]
    assert compared["agreements"][0]["share"]["estimate"] < 0.8
    repaired = command(f"repair clean.npy turned.npy --model {model} --labels truth.npy --quick --json out.json")[3]
    assert repaired["recommended"] == "undo"
    assert repaired["judged_by"] == "labels"


def test_what_parts_two_models_is_said_and_notes_come_last(command):
    code, out, err, written = command("compare m.onnx odd_makes:upside clean.npy --takes 0:1 --json out.json")
    assert code == 0, err
    [parted] = written["partings"]
    best = parted["explanations"][0]
    assert (best["kind"], best["explains"]) == ("input", True)
    assert best["change"] == "given images from the bottom row up"
    assert best["agreement"]["estimate"] == 1 > parted["agreement"]["estimate"]
    assert "from the bottom row up gives 100.00%" in out
    assert "No labels" not in out


def test_a_diagnosis_says_that_a_model_answers_otherwise_each_time(command):
    code, _, err, written = command("diagnose clean.npy turned.npy --model odd_makes:forgetful --json out.json")
    assert code == 0, err
    assert written["verdict"]["family"] == "invert"
    assert any("the model answers otherwise" in note and "dropout" in note for note in written["notes"])
    assert "Is dropout left on?" in err


def test_without_labels_the_answers_to_the_reference_stand_in_for_them(command):
    diagnosed = command("diagnose clean.npy turned.npy --model m.onnx --takes 0:1 --json out.json")
    agreement = diagnosed[3]["agreement"]
    assert diagnosed[3]["accuracy"] is None
    assert agreement["shifted"] == agreement["reproduced"] < 0.3
    assert agreement["restored_with_partner"] == agreement["restored_blind"] == 1
    assert "of the images are answered as their partners in the reference" in diagnosed[1]
    evaluated = command("evaluate m.onnx clean.npy turned.npy --takes 0:1 --json out.json")
    [shares] = evaluated[3]["agreements"]
    assert shares["share"]["estimate"] == agreement["shifted"]
    assert len(shares["differing"]) == round(IMAGES * (1 - agreement["shifted"]))
    repaired = command("repair clean.npy turned.npy --model m.onnx --takes 0:1 --quick --json out.json")
    assert (repaired[3]["judged_by"], repaired[3]["recommended"]) == ("agreement", "undo")
    assert repaired[3]["attempts"][0]["variant"]["after"]["estimate"] == 1
    assert "what is called accuracy here is agreement" in repaired[2]


def test_a_gate_ends_with_one_where_what_was_expected_does_not_hold(command):
    code, out, err, _ = command("diagnose clean.npy turned.npy --expect identity --json -")
    assert json.loads(out)["verdict"]["family"] == "invert"
    assert (code, err.splitlines()[-1][:60]) == (1, "shiftassay: expected identity, and the verdict is invert, th")
    assert command("diagnose clean.npy turned.npy --expect invert --quiet")[:2] == (0, "")
    for labels, sentence in (
        ("--labels truth.npy", "points lower than on clean.npy"),
        ("", "% of the answers are others"),
    ):
        line = f"evaluate m.onnx clean.npy turned.npy --takes 0:1 {labels} --max-drop"
        code, out, err, _ = command(f"{line} 10")
        assert code == 1
        assert sentence in err.splitlines()[-1]
        assert "turned.npy" in out
        assert command(f"{line} 100")[0] == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("evaluate m.pt2 clean.npy", "Add --trust"),
        ("evaluate m.onnx clean.npy", "Say it: --takes 0:1"),
        ("evaluate m.onnx clean.npy --takes 1:0:1", "is none of nchw"),
        ("evaluate m.onnx clean.npy --takes 0:1", "no labels, so no accuracy"),
        ("evaluate m.onnx clean.npy --takes 0:1 --weights w.pt", "--weights goes with package.module:factory"),
        ("evaluate odd_makes:function clean.npy --weights w.pt", "--weights are for an nn.Module"),
        ("evaluate m.onnx clean.npy --max-drop 1 --takes 0:1", "a drop is from the first set to another"),
        ("evaluate m.onnx clean.npy turned.npy --max-drop -1 --takes 0:1", "expected points from 0 to 100"),
        ("diagnose clean.npy turned.npy --expect identiti", "Did you mean 'identity'"),
        ("compare m.onnx m.pt2", "Name the images last"),
        ("compare m.onnx clean.npy --takes 0:1", "one model alone is nothing to compare"),
        ("compare m.onnx m.onnx clean.npy --takes 0:1", "is given twice"),
        ("export odd_makes:module m.h5", "a model is written as .onnx or .pt2"),
        ("export odd_makes:module x.onnx", "--shape 3,224,224"),
        ("export m.onnx x.onnx --takes 0:1 --undo weights.npy", "not readable as JSON"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(line, message, command, folder):
    (folder / "out.json").unlink(missing_ok=True)
    before = sorted(folder.iterdir())
    code, _, err, _ = command(line)
    assert code == 2
    assert message in err.splitlines()[-1]
    assert sorted(folder.iterdir()) == [*before]
