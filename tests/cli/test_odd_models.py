"""Odd models × verbs, as commands: each works, or ends in one sentence and exit code 2."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from shiftassay.cli.ending import run_command_line
from shiftassay.diagnosis import identify as room
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift

IMAGES = 100
SETS = {
    "evaluate": "evaluate MODEL clean.npy turned.npy --json out.json",
    "predict": "predict MODEL clean.npy --json out.json",
    "audit": "audit MODEL clean.npy --single-images 5 --json out.json",
    "diagnose": "diagnose clean.npy turned.npy --model MODEL --json out.json",
    "bare": "diagnose bare/clean.npy bare/turned.npy --model MODEL --json out.json",
    "repair": "repair clean.npy turned.npy --model MODEL --train train.npz --quick --epochs 1 --json out.json",
    "shift": "shift adversarial:epsilon=0.1 clean.npy attacked.npy --model MODEL --json out.json",
}

WORKING = (
    "half",
    "brain_float",
    "double",
    "frozen",
    "Plain",
    "SinglePrecisionInside",
    "WithoutParameters",
    "WholeWeights",
    "ChangesItsInput",
    "SameBuffer",
    "NoTraining",
)
WITHOUT_GRADIENT = (
    "WholeNumbers",
    "YesOrNo",
    "Detached",
    "Inference",
    "ThroughNumpy",
    "Constant",
    "ConstantBias",
    "RootOfBlack",
)
REFUSED = {
    "FiveClasses": "the model knows 5 classes, 0 to 4",
    "OneOutput": "the model gives 1 logits for each image, and a classifier needs one for each class",
    "NoOutput": "the model gives 0 logits for each image",
    "RowTooFew": "answers for",
    "RowTooMany": "answers for",
    "Flat": "no tensor of (images, classes) but of shape",
    "Maps": "no tensor of (images, classes) but of shape",
    "Pair": "no tensor of (images, classes) but of type tuple",
    "Named": "no tensor of (images, classes) but of type dict",
    "Nothing": "no tensor of (images, classes) but of type NoneType",
    "Array": "no tensor of (images, classes) but of type ndarray",
    "Complex": "the model's output is complex",
    "Raises": "ValueError: not today",
    "Asserts": "(AssertionError)",
    "Exits": "(it exits: 0)",
    "RaisesMutely": "(Mute)",
    "NoEvaluation": "this module can't change its mode",
    "OtherSize": "the model can't take images of (1, 28, 28), float32",
    "leaves": "it exits: bye",
    "fails": "no such entry",
    "number": "the factory returned int, not an nn.Module",
    "Unfinished": "the model can't be put into evaluation mode",
}
NOT_NUMBERS = {
    "NotANumber": f"NaN or infinite for {IMAGES} of {IMAGES} images",
    "NotANumberForSome": "NaN or infinite for",
    "Infinite": f"NaN or infinite for {IMAGES} of {IMAGES} images",
    "nan_weight": "NaN or infinite for",
}


@pytest.fixture(scope="module")
def folder(mnist, tmp_path_factory) -> Path:
    """Digits, the same inverted, with labels and (in `bare`) without, training images, and the models."""
    place = tmp_path_factory.mktemp("odd")
    (place / "bare").mkdir()
    clean = ImageSet(mnist.test.images[:IMAGES], mnist.test.labels[:IMAGES])
    for where, gain in ((place, 1.0), (place / "bare", 0.99)):  # labels of MNIST's own images would be known
        own = ImageSet(np.float32(gain) * clean.images)
        np.save(where / "clean.npy", own.images)
        np.save(where / "turned.npy", shift(own, "invert").images)
    np.save(place / "labels.npy", clean.labels)
    known, labels = mnist.train.images[:1000, 0], mnist.train.labels[:1000]
    np.savez(place / "train.npz", images=known[:200], labels=labels[:200])
    targets = np.eye(10)[labels] - 0.1
    flat = known.reshape(len(known), -1).astype(np.float64)
    weights = np.linalg.solve(flat.T @ flat + 100 * np.eye(784), flat.T @ targets)
    np.save(place / "weights.npy", weights.astype(np.float32))
    shutil.copy(Path(__file__).with_name("odd_models.py"), place / "odd_models.py")
    (place / "odd_import.py").write_text("import sys\n\nsys.exit(0)\n")
    return place


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Runs a verb on a model.

    Returns the exit code, what was said on stdout and on stderr, and the JSON that was written.
    """
    monkeypatch.chdir(folder)
    # The verdict is not what is tried here: a few families to choose from are enough.
    monkeypatch.setattr(room, "searched_families", lambda: ["identity", "invert", "gain"])

    def run(verb, model):
        (folder / "out.json").unlink(missing_ok=True)
        line = {**SETS, "variants": "variants variants --model MODEL"}[verb]
        monkeypatch.setattr(sys, "argv", ["shiftassay", *line.replace("MODEL", model).split()])
        code = run_command_line()
        output = capsys.readouterr()
        written = folder / "out.json"
        return code, output.out, output.err, json.loads(written.read_text()) if written.is_file() else None

    yield run
    sys.modules.pop("odd_models", None)


def refused(result, message):
    code, _, err, written = result
    assert code == 2, err
    last = err.strip().splitlines()[-1]
    assert last.startswith("shiftassay: ")
    assert message in last
    assert "Traceback" not in err
    assert written is None


def works(result):
    code, out, err, written = result
    assert code == 0, err
    assert "Traceback" not in out + err
    assert written is not None
    json.dumps(written, allow_nan=False)
    return written


pytestmark = pytest.mark.filterwarnings("default")


def first_of(models):
    """One of them with every verb; the others in `make test-all`."""
    first, *others = models
    return [first, *(pytest.param(model, marks=pytest.mark.torture) for model in others)]


@pytest.mark.parametrize("verb", SETS)
@pytest.mark.parametrize("model", WORKING)
def test_a_model_of_any_precision_or_make_works(model, verb, command):
    written = works(command(verb, f"odd_models:{model}"))
    if verb == "evaluate":
        assert written["sets"][0]["accuracy"]["estimate"] > 0.7
        assert written["sets"][1]["accuracy"]["estimate"] < 0.3
    if verb == "diagnose":
        assert written["accuracy"]["restored_blind"] == written["accuracy"]["reference"] > 0.7
        assert written["adversarial"] is None
    if verb == "repair":
        assert written["recommended"] == "undo"
    if verb == "shift":
        clean, attacked = np.load("clean.npy")[:, 0], np.load("attacked.npy")
        assert 0.05 < np.abs(attacked - clean).max() < 0.1001


@pytest.mark.parametrize("verb", SETS)
@pytest.mark.parametrize("model", first_of(WITHOUT_GRADIENT))
def test_without_a_gradient_what_needs_one_is_left_out_and_that_is_said(model, verb, command):
    result = command(verb, f"odd_models:{model}")
    if verb == "shift":
        refused(result, "answers, or their gradient, are NaN" if model == "RootOfBlack" else "have no gradient")
        return
    written = works(result)
    if verb in ("diagnose", "bare", "repair"):
        assert any("gradient" in note and "left out" in note for note in written["notes"])
        assert "left out" in result[2]
    if verb in ("diagnose", "bare"):
        assert not {"first_order", "adds_up"} & {mechanism["name"] for mechanism in written["mechanisms"]}


@pytest.mark.parametrize("verb", SETS)
@pytest.mark.parametrize("model", first_of(REFUSED))
def test_a_model_that_gives_no_logits_is_refused_in_one_sentence(model, verb, command):
    result = command(verb, f"odd_models:{model}")
    if model == "FiveClasses" and verb in ("predict", "bare"):
        works(result)  # without labels, five classes are as good as ten
    else:
        refused(result, REFUSED[model])


@pytest.mark.parametrize("verb", SETS)
@pytest.mark.parametrize("model", first_of(NOT_NUMBERS))
def test_nothing_is_concluded_from_answers_that_are_not_numbers(model, verb, command):
    result = command(verb, f"odd_models:{model}")
    if verb == "audit":
        checks = {check["name"]: check for check in works(result)["checks"]}
        assert checks["outputs"]["verdict"] == "found"
    elif verb == "shift":
        refused(result, "NaN")
    else:
        refused(result, NOT_NUMBERS[model])


@pytest.mark.parametrize("verb", SETS)
@pytest.mark.parametrize("model", ["Uncopyable", "Large", "ClassesVary"])
def test_what_else_is_odd_ends_in_a_result_or_a_sentence(model, verb, command):
    result = command(verb, f"odd_models:{model}")
    if result[0] == 2:
        refused(result, "the model")
    else:
        works(result)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("Constant", "the model's answers have no gradient with respect to the image"),
        ("RowTooFew", "the model gives 999 answers for 1,000 images"),
        ("NotANumber", "NaN or infinite for 5000 of 5000 images"),
        ("Exits", "(it exits: 0)"),
    ],
)
def test_variants_are_not_made_for_a_model_that_can_not_be_attacked(model, message, command, folder):
    refused(command("variants", f"odd_models:{model}"), message)
    assert not (folder / "variants").exists() or not list((folder / "variants").glob("*.npy"))


@pytest.mark.parametrize("verb", SETS)
def test_a_module_that_exits_when_it_is_imported_is_refused(verb, command):
    refused(command(verb, "odd_import:make"), "it exits: 0")


def test_an_interrupt_is_no_fault_of_the_model(command, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.nn.Module, "__call__", interrupted)
    assert command("predict", "odd_models:Plain")[0] == 130
