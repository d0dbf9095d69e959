"""The commands that a diagnosis ends with run as they are printed, and stand alike in JSON and terminal."""

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from shiftassay.cli.ending import run_command_line
from shiftassay.diagnosis import identify as room
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift

IMAGES = 120
FACTORY = """
import numpy as np, torch
from torch import nn

def made():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False))
    model[1].weight.data = torch.from_numpy(np.load("weights.npy").T.copy())
    return model
"""

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def folder(mnist, tmp_path_factory) -> Path:
    """Digits, the same inverted and rotated, their labels, and a linear model."""
    place = tmp_path_factory.mktemp("what now")
    clean = ImageSet(np.float32(0.99) * mnist.test.images[:IMAGES])
    np.save(place / "clean digits.npy", clean.images)
    np.save(place / "inverted.npy", shift(clean, "invert").images)
    np.save(place / "turned.npy", shift(clean, "rotate:angle=40").images)
    np.save(place / "truth.npy", mnist.test.labels[:IMAGES])
    flat = mnist.train.images[:1000].reshape(1000, -1).astype(np.float64)
    targets = np.eye(10)[mnist.train.labels[:1000]] - 0.1
    np.save(place / "weights.npy", np.linalg.solve(flat.T @ flat + 100 * np.eye(784), flat.T @ targets).astype("f4"))
    (place / "own_linear.py").write_text(FACTORY)
    return place


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Runs a command line that begins with `shiftassay`; returns its exit code, stdout and stderr."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(room, "searched_families", lambda: ["identity", "invert", "gain"])

    def run(line: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        code = run_command_line()
        output = capsys.readouterr()
        return code, output.out, output.err

    yield run
    sys.modules.pop("own_linear", None)


def printed_commands(out: str) -> list[str]:
    return [line.removeprefix("  $ ") for line in out.splitlines() if line.startswith("  $ ")]


def test_repair_and_export_are_printed_as_the_json_has_them(command):
    given = "'clean digits.npy' inverted.npy --labels truth.npy --model own_linear:made"
    code, out, err = command(f"shiftassay diagnose {given} --json 'a diagnosis.json'")
    assert code == 0, err
    content = json.loads(Path("a diagnosis.json").read_text())
    printed = printed_commands(out)
    assert printed == content["commands"]
    assert [shlex.split(line)[1] for line in printed] == ["repair", "export"]
    assert content["advice"] in " ".join(out.split())


@pytest.mark.torture
def test_the_export_runs_as_it_is_printed(command):
    given = "'clean digits.npy' inverted.npy --labels truth.npy --model own_linear:made"
    _, out, err = command(f"shiftassay diagnose {given} --json d.json")
    export = printed_commands(out)[1]
    code, _, err = command(export)
    assert code == 0, err
    exported = shlex.split(export)[3]
    trust = "--trust" if exported.endswith(".pt2") else ""
    assert command(f"shiftassay evaluate {exported} inverted.npy --labels truth.npy {trust} --json e.json")[0] == 0
    accuracy = json.loads(Path("e.json").read_text())["sets"][0]["accuracy"]["estimate"]
    assert accuracy == pytest.approx(json.loads(Path("d.json").read_text())["accuracy"]["reference"])


@pytest.mark.torture
def test_the_repair_runs_as_it_is_printed(command):
    _, out, err = command("shiftassay diagnose 'clean digits.npy' inverted.npy --model own_linear:made")
    code, out, err = command(printed_commands(out)[0])
    assert code == 0, err
    assert "undo" in out


def test_an_unknown_shift_is_looked_at_on_a_page(command):
    code, out, err = command("shiftassay diagnose 'clean digits.npy' turned.npy")
    assert code == 0, err
    printed = printed_commands(out)
    assert printed == ["shiftassay diagnose 'clean digits.npy' turned.npy --report diagnosis.html"]
    code, out, err = command(printed[0])
    assert code == 0, err
    assert "  $ " not in out
    assert "leaves" in Path("diagnosis.html").read_text()
