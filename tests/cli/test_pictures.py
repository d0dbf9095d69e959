"""Folders of pictures in every verb that takes a set."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from shiftassay.cli.app import app
from shiftassay.errors import BadInput


@pytest.fixture(scope="module")
def folders(small, tmp_path_factory) -> Path:
    """80 digits in folders of their classes, the same upside down, flat, and a table of labels."""
    root = tmp_path_factory.mktemp("pictures")
    rows = ["file,label"]
    for place in range(80):
        label = small.test.labels[place]
        digit = Image.fromarray(np.rint(255 * small.test.images[place, 0]).astype(np.uint8))
        for folder, picture in ((f"clean/{label}", digit), ("flipped", ImageOps.flip(digit))):
            (root / folder).mkdir(parents=True, exist_ok=True)
            picture.save(root / folder / f"digit{place}.png")
        rows.append(f"digit{place}.png,{label}")
    (root / "labels.csv").write_text("\n".join(rows))
    return root


@pytest.fixture
def run(folders, monkeypatch):
    monkeypatch.chdir(folders)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


def test_two_folders_are_diagnosed_by_file_name(run, tmp_path):
    result = run("diagnose", "clean", "flipped", "--json", tmp_path / "d.json")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "d.json").read_text())
    assert content["pairing"]["kind"] == "by_name"
    assert content["verdict"]["family"] == "flip_vertical"
    assert "80 file names in clean, too" in result.output


def test_folders_are_evaluated_in_pairs_by_name(run, model_of, tmp_path):
    result = run("evaluate", model_of, "clean", "flipped", "--json", tmp_path / "e.json")
    assert result.exit_code == 0, result.output
    clean, flipped = json.loads((tmp_path / "e.json").read_text())["sets"]
    assert clean["n"] == flipped["n"] == 80
    assert clean["classes"] == [str(digit) for digit in range(10)]
    assert flipped["comparison"]["paired"]
    assert "labels those of clean, by file name" in result.output


def test_predictions_bear_the_names_of_the_pictures(run, model_of, tmp_path):
    result = run("predict", model_of, "flipped", "--json", tmp_path / "p.json")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "p.json").read_text())
    assert content["names"][10] == "digit10.png"
    assert len(content["labels"]) == 80
    assert "digit10.png" in result.output


def test_a_region_that_is_left_out_changes_no_answer(run, folders, model_of, tmp_path):
    for place in range(80):
        picture = Image.open(folders / "flipped" / f"digit{place}.png")
        picture.paste(place % 2 * 255, (0, 20, 28, 28))
        (folders / "stamped").mkdir(exist_ok=True)
        picture.save(folders / "stamped" / f"digit{place}.png")
    answers = []
    for folder in ("flipped", "stamped"):
        result = run("predict", model_of, folder, "--leave-out", "0,20,28,28", "--json", tmp_path / "p.json")
        assert "28.6% of each picture left out" in result.output
        answers.append(json.loads((tmp_path / "p.json").read_text())["probabilities"])
    assert answers[0] == answers[1]
    result = run("evaluate", model_of, "clean", "stamped", "--leave-out", "0,20,28,28", "--leave-out", "nothing.png")
    assert isinstance(result.exception, BadInput)
    assert "nothing.png: neither a box" in str(result.exception)


def test_a_table_of_labels_serves_a_flat_folder(run, model_of, tmp_path):
    result = run("evaluate", model_of, "flipped", "--labels", "labels.csv")
    assert result.exit_code == 0, result.output
    assert "labels by name, from labels.csv" in result.output
    error = run("evaluate", model_of, "clean", "--labels", "none").exception
    assert isinstance(error, BadInput)
    assert "no labels" in str(error)


def test_a_folder_is_shifted(run, tmp_path):
    result = run("shift", "invert", "clean", tmp_path / "o.npy")
    assert result.exit_code == 0, result.output
    assert np.load(tmp_path / "o.npy").shape == (80, 28, 28)


def test_a_folder_is_audited(run, model_of):
    result = run("audit", model_of, "clean", "--largest-batch", 80, "--single-images", 5)
    assert "labels from the folders' names" in result.output


@pytest.mark.parametrize("verb", ["evaluate", "predict", "audit"])
def test_pictures_of_several_sizes_are_refused_for_a_model(run, verb, model_of, tmp_path):
    for size in (20, 28):
        Image.new("L", (size, size)).save(tmp_path / f"{size}.png")
    error = run(verb, model_of, tmp_path).exception
    assert isinstance(error, BadInput)
    assert "2 sizes" in str(error)
