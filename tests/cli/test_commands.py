"""The command line: exit codes, messages, and what it costs to ask for help."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shiftassay.cli.app import app
from shiftassay.errors import BadInput
from shiftassay.evaluation.groups import read_groups
from shiftassay.imagesets.idx import write_idx
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.write import write_images
from shiftassay.shifts.catalog import parse, shift
from shiftassay.studies.shifted.variants import Variants, write_variants
from shiftassay.training.train import train

VERBS = (
    "run",
    "train",
    "evaluate",
    "predict",
    "audit",
    "repair",
    "import",
    "export",
    "diagnose",
    "shift",
    "variants",
    "report",
    "list",
)


def shiftassay(*arguments, cwd=None, home=None):
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", **({"HOME": str(home)} if home else {})}
    command = [sys.executable, "-m", "shiftassay.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


@pytest.fixture(scope="module")
def model(small, tmp_path_factory):
    return train(
        "mlp", small, recipe="seed-003", epochs=4, parameters={"widths": [32]}, store=tmp_path_factory.mktemp("o")
    )[0].folder


def example(verb):
    """The example in a verb's help, as it is written there."""
    text = inspect.getdoc(next(c.callback for c in app.registered_commands if (c.name or c.callback.__name__) == verb))
    return " ".join(re.search(r"Example: `(.*?)`", text, re.DOTALL)[1].split())


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_shows_an_example(verb):
    result = CliRunner().invoke(app, [verb, "--help"] if verb else ["--help"])
    assert result.exit_code == 0
    if verb:
        assert f"shiftassay {verb} " in example(verb)


@pytest.mark.torture
def test_the_examples_run_as_written(tmp_path):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": path, "OMP_NUM_THREADS": "1"}
    for verb in VERBS:
        result = subprocess.run(
            example(verb), shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout


def test_readme_diagnoses_as_the_example_does():
    """The example is what `test_the_examples_run_as_written` runs."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for command in example("diagnose").split(" && "):
        assert f".venv/bin/{command}\n" in readme or f".venv/bin/{command} " in readme


def test_help_and_bad_usage_load_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['shiftassay', 'evaluate', '--help']\n"
        "from shiftassay.cli.app import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'scipy', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_what_can_be_listed_is(small):
    for what, name in (
        ("networks", "mlp"),
        ("shifts", "rotate"),
        ("studies", "shifted-test-sets"),
        ("datasets", "mnist"),
    ):
        result = CliRunner().invoke(app, ["list", what])
        assert result.exit_code == 0
        assert re.search(rf"^{name} +\S", result.output, re.MULTILINE)


def test_a_set_is_shifted_evaluated_and_predicted(model, tmp_path, small):
    write_images(tmp_path / "clean.npy", small.test.images)
    np.save(tmp_path / "labels.npy", small.test.labels)
    made = shiftassay("shift", "rotate:angle=180", "clean.npy", "turned.npy", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    result = shiftassay(
        "evaluate", model, "clean.npy", "turned.npy", "--json", "e.json", cwd=tmp_path, home=tmp_path / "empty"
    )
    assert result.returncode == 0, result.stderr
    clean, turned = json.loads((tmp_path / "e.json").read_text())["sets"]
    assert clean["accuracy"]["estimate"] > 0.6
    assert turned["comparison"]["verdict"] == "lower"
    assert "labels from labels.npy beside it" in result.stderr
    assert "accuracy is lower" in result.stdout
    predicted = shiftassay("predict", model, "clean.npy", "--json", "p.json", cwd=tmp_path)
    assert predicted.returncode == 0
    labels = json.loads((tmp_path / "p.json").read_text())["labels"]
    assert np.mean(np.array(labels) == small.test.labels) == pytest.approx(clean["accuracy"]["estimate"])


def test_a_shift_is_diagnosed_in_words_as_json_and_on_a_page(model, tmp_path, small):
    np.savez(tmp_path / "clean.npz", images=small.test.images[:300, 0], labels=small.test.labels[:300])
    np.save(tmp_path / "turned.npy", shift(small.test.first(300), "rotate:angle=25").images)
    arguments = ("clean.npz", "turned.npy", "--model", model, "--json", "d.json", "--report", "d.html")
    result = shiftassay("diagnose", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert re.match(r"Verdict: rotate \(angle = 2[45][^,]*( \[.*\])?\), the same for all images; confidence", lines[0])
    assert max(len(line) for line in lines if not line.startswith("  $ ")) <= 100  # a command to paste is not broken
    assert "undone" in result.stdout
    diagnosis = json.loads((tmp_path / "d.json").read_text())
    assert diagnosis["schema"] == "shiftassay.diagnosis/1"
    assert diagnosis["accuracy"]["shifted"] < diagnosis["accuracy"]["restored_with_partner"]
    page = (tmp_path / "d.html").read_text()
    assert lines[0].rstrip(".")[:40] in re.sub(r"<[^>]*>", "", page)
    assert "remade" in page
    assert not re.search(r"(src|href)=.?https?:", page)


@pytest.mark.torture
def test_floats_beside_a_reference_are_read_in_its_unit(tmp_path, small):
    images = (small.test.images[:100, 0] * 255).round()
    np.save(tmp_path / "clean.npy", images.astype(np.uint8))
    np.save(tmp_path / "units.npy", (images / 255).astype(np.float32))
    np.save(tmp_path / "same.npy", images.astype(np.float32))
    for reference, shifted, verdict in (("clean", "same", "identity"), ("units", "same", "rescale (scale = 255")):
        result = shiftassay("diagnose", f"{reference}.npy", f"{shifted}.npy", cwd=tmp_path)
        assert result.stdout.startswith(f"Verdict: {verdict}"), result.stderr


def test_one_model_for_a_folder_of_variants_is_trained_and_told_which_variant_it_sees(tmp_path, small, monkeypatch):
    source = tmp_path / "digits" / "raw"
    source.mkdir(parents=True)
    for part, images in (("train", small.train), ("t10k", small.test)):
        for what, array in (("images-idx3", images.images[:, 0] * 255), ("labels-idx1", images.labels)):
            write_idx(source / f"{part}-{what}-ubyte", array.astype(np.uint8))
    clean, inversion = ImageSet(small.test.images, small.test.labels, "clean"), parse("invert")
    inverted = ImageSet(shift(clean, inversion).images, clean.labels, "t1")
    write_variants(tmp_path / "mine", Variants(clean, (inverted,), ("inverted",), shifts={"t1": inversion}))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    made = run("train", "one-for-all", "--variants", "mine", "--data", "digits", "--recipe", "seed-003", "--epochs", 2)
    assert made.exit_code == 0, made.output
    [folder] = (tmp_path / "out" / "runs").iterdir()
    assert str(folder.relative_to(tmp_path)) in made.output
    assert list(json.loads((folder / "model.json").read_text())["variants"]) == ["clean", "t1"]
    answers = []
    for name in ("clean", "t1"):
        assert run("predict", folder, f"mine/{name}.npy", "--variant", name, "--json", "p.json").exit_code == 0
        answers.append(json.loads((tmp_path / "p.json").read_text())["labels"])
    assert np.mean(np.array(answers[0]) == answers[1]) > 0.99
    for more, message in (((), "clean, t1. Say which: shiftassay predict"), (("--variant", "t2"), "Did you mean 't1'")):
        error = run("predict", folder, "mine/t1.npy", *more).exception
        assert isinstance(error, BadInput)
        assert message in str(error)
    with pytest.raises(BadInput, match="a model for several variants"):
        read_groups([folder, folder])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "shifted-test-set"], "Did you mean 'shifted-test-sets'"),
        (["run", "absent.toml"], "no such study file"),
        (["run", "shifted-test-sets", "--quick", "--full"], "choose one"),
        (["run", "shifted-test-sets", "--variants", "absent"], "absent"),
        (["train", "mpl"], "Did you mean 'mlp'"),
        (["train", "one-for-all"], "--variants DIR go together"),
        (["train", "mlp", "--variants", "."], "--variants DIR go together"),
        (["train", "one-for-all", "--variants", "absent"], "absent"),
        (["predict", "MODEL", "clean.npy", "--variant", "t1"], "knows no variants"),
        (["train", "mlp", "--recipe", "mpl"], "unknown recipe"),
        (["train", "mlp", "--data", "mnits"], "Did you mean 'mnist'"),
        (["evaluate", "absent", "mnist:test"], "not a run's folder"),
        (["predict", "MODEL", "absent.npy"], "no such file"),
        (["predict", "MODEL", "large.npy"], "can't take images"),
        (["evaluate", "MODEL", "clean.npy", "large.npy"], "expected 28 × 28 images like clean.npy"),
        (["evaluate", "MODEL", "clean.npy", "--labels", "short.npy"], "3 labels for 60 images"),
        (["evaluate", "MODEL", "clean.npy", "--labels", "far.npy"], "knows 10 classes"),
        (["evaluate", "MODEL", "pickled.npy"], "--unpickle"),
        (["evaluate", "MODEL", "nan.npy"], "NaN or infinity"),
        (["diagnose", "clean.npy", "absent.npy"], "no such file"),
        (["diagnose", "clean.npy", "large.npy"], "no resize, crop or frame leads from"),
        (["diagnose", "clean.npy", "nan.npy"], "NaN or infinity"),
        (["diagnose", "clean.npy", "grey.npy"], "all pixels of all images have the same value, 0.5"),
        (["diagnose", "clean.npy", "few.npy"], "at least 50 images a set"),
        (["diagnose", "clean.npy", "clean.npy", "--labels", "short.npy"], "3 labels for 60 images"),
        (["diagnose", "clean.npy", "clean.npy", *["--labels", "far.npy"] * 3], "one for both, or one for each"),
        (["diagnose", "clean.npy", "clean.npy", "--ceiling"], "--train mnist"),
        (["diagnose", "clean.npy", "clean.npy", "--beside", "out/runs/x"], "Give that too"),
        (["diagnose", "clean.npy", "clean.npy", "--train", "mnits"], "Did you mean 'mnist'"),
        (["diagnose", "clean.npy", "clean.npy", "--model", "absent"], "not a run's folder"),
        (["diagnose", "large.npy", "dark.npy", "--labels", "near.npy", "--model", "MODEL"], "can't take images"),
        (["audit", "absent"], "not a run's folder"),
        (["audit", "MODEL", "large.npy"], "can't take images"),
        (["audit", "MODEL", "clean.npy", "--labels", "far.npy"], "knows 10 classes"),
        (["import", "absent.pt", "--out", "o"], "no such file"),
        (["import", "clean.npy", "--out", "o"], "can't be read as weights"),
        (["import", "MODEL/model.safetensors", "--out", "o"], "fits no network here"),
        (["import", "MODEL/model.safetensors", "--network", "mpl", "--out", "o"], "Did you mean 'mlp'"),
        (["shift", "rotat", "clean.npy", "o.npy"], "Did you mean 'rotate'"),
        (["shift", "rotate:angle", "clean.npy", "o.npy"], "name=value"),
        (["shift", "rotate:angle=x", "clean.npy", "o.npy"], "expected a number"),
        (["shift", "adversarial:epsilon=0.1", "clean.npy", "o.npy"], "aimed at a model"),
        (["shift", "identity", "clean.npy", "o.csv"], "Name it o.npy"),
        (["report", "absent"], "findings.json"),
        (["list", "network"], "Did you mean 'networks'"),
    ],
)
def test_bad_input_ends_with_two_a_message_and_nothing_written(arguments, message, model, tmp_path, monkeypatch, rng):
    write_images(tmp_path / "clean.npy", rng.random((60, 1, 28, 28)).astype(np.float32))
    write_images(tmp_path / "large.npy", rng.random((60, 1, 32, 32)).astype(np.float32))
    write_images(tmp_path / "few.npy", rng.random((40, 1, 28, 28)).astype(np.float32))
    np.save(tmp_path / "dark.npy", 0.5 * np.load(tmp_path / "large.npy"))
    np.save(tmp_path / "grey.npy", np.full((60, 28, 28), 0.5, np.float32))
    np.save(tmp_path / "near.npy", np.arange(60) % 10)
    np.save(tmp_path / "nan.npy", np.full((60, 28, 28), np.nan))
    np.save(tmp_path / "short.npy", np.zeros(3, int))
    np.save(tmp_path / "far.npy", np.full(60, 10))
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}], object))
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["shiftassay", *[a.replace("MODEL", str(model)) for a in arguments]])
    from shiftassay.cli.ending import run_command_line

    errors: list[str] = []
    monkeypatch.setattr("typer.echo", lambda text="", err=False: errors.append(str(text)) if err else None)
    assert run_command_line() == 2
    assert message in errors[-1]
    assert len(errors[-1].splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_usage_errors_are_exit_code_two():
    assert shiftassay("train").returncode == 2
    assert shiftassay("nonsense").returncode == 2


@pytest.mark.torture
def test_a_shift_of_labels_writes_them_beside_the_images(tmp_path):
    images, labels = np.zeros((60, 4, 4), np.float32), np.arange(60) % 3
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    assert shiftassay("shift", "gain:factor=0.5", "set.npz", "dark.npy", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "dark-labels.npy").exists()
    result = shiftassay("shift", "label_noise:fraction=0.5", "set.npz", "noisy.npy", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert 0.3 < (np.load(tmp_path / "noisy-labels.npy") != labels).mean() < 0.7
