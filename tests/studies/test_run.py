"""The study from end to end, on real digits, few enough to take seconds."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from shiftassay.errors import BadInput
from shiftassay.imagesets.write import write_images
from shiftassay.report.write import write_report
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.shifts.catalog import shift
from shiftassay.studies.run import run_study

STUDY = """
kind = "shifted-test-sets"
title = "A small study"
question = "Does it run?"
network = "mlp"
network_parameters = { widths = [32] }
recipe = "small"
seeds = 2
[[variants]]
name = "dark"
family = "gain"
parameters = { factor = 0.8 }
[[variants]]
name = "mixed"
family = "pixel_permutation"
[[variants]]
name = "noisy"
family = "sign_noise"
parameters = { epsilon = { harmless_within = 0.02 } }
[[variants]]
name = "aimed"
family = "adversarial"
parameters = { epsilon = { same_as = "noisy" } }
"""


@pytest.fixture
def study(tmp_path, small, monkeypatch):
    recipe = Recipe("small", epochs=3, batch_size=50, optimizer="adamw", learning_rate=3e-3, held_out=500)
    monkeypatch.setitem(RECIPES, "small", recipe)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small-study.toml"
    path.write_text(STUDY)
    return path


def test_a_study_ends_in_a_report_with_a_section_for_each_finding_and_resumes(study, tmp_path, small):
    done = run_study(study, small, out=tmp_path / "out")
    path = done.report
    html, folder = path.read_text(), path.parent
    for key in ("variants", "accuracy", "model", "classes", "confidence", "provenance"):
        assert f'id="{key}"' in html
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")
    assert len(html) < 5e6
    markdown = (folder / "report.md").read_text()
    for figure in ("variants", "accuracy", "model", "classes", "classes-2", "confidence"):
        assert f"figures/{figure}.svg" in markdown
        assert (folder / "figures" / f"{figure}.svg").read_bytes().startswith(b"<?xml")

    assert json.loads((folder / "results.json").read_text()) == json.loads(json.dumps(done.results))
    evaluations = [member["evaluations"] for member in done.results["members"]]
    assert len(evaluations) == 2
    by_name = {e["name"]: e for e in evaluations[0]}
    assert by_name["clean"]["accuracy"]["estimate"] > 0.7
    assert by_name["mixed"]["accuracy"]["estimate"] < 0.4
    assert by_name["mixed"]["comparison"]["verdict"] == "lower"
    assert by_name["aimed"]["accuracy"]["estimate"] < by_name["noisy"]["accuracy"]["estimate"]

    console = Console(record=True, width=200, file=io.StringIO())
    again = run_study(study, small, out=tmp_path / "out", console=console)
    assert "epoch" not in console.export_text()
    assert [member["evaluations"] for member in again.results["members"]] == evaluations


def test_the_strengths_of_variants_are_those_that_the_study_asks_for(study, tmp_path, small):
    folder = run_study(study, small, out=tmp_path / "out", seeds=1).report.parent / "variants"
    clean, noisy, aimed = (np.load(folder / f"{name}.npy") for name in ("clean", "noisy", "aimed"))
    epsilon = np.abs(noisy - clean).max()
    assert epsilon > 0
    assert np.abs(aimed - clean).max() == pytest.approx(epsilon, abs=1e-6)
    assert np.load(folder / "labels.npy").shape == (500,)


def test_a_users_own_folder_is_evaluated(study, tmp_path, small):
    folder = tmp_path / "mine"
    write_images(folder / "clean.npy", small.test.images)
    write_images(folder / "turned.npy", shift(small.test, "rotate:angle=180").images)
    np.save(folder / "labels.npy", small.test.labels)
    done = run_study(study, small, out=tmp_path / "out", variants=folder)
    assert [entry["name"] for entry in done.results["sets"]] == ["clean", "turned"]
    text = done.report.read_text()
    assert "labels.npy beside it" in text
    assert "meets the shifted test sets in" in text
    assert "after one shift" not in text


def test_a_report_is_made_again_from_what_is_stored(study, tmp_path, small):
    path = run_study(study, small, out=tmp_path / "out", seeds=1).report
    before = path.read_text()
    path.unlink()
    assert write_report(path.parent) == path
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('network = "mlp"', 'network = "mpl"', "Did you mean 'mlp'"),
        ("widths", "width", "Did you mean 'widths'"),
        ('recipe = "small"', 'recipe = "smal"', "Did you mean 'small'"),
        ('family = "gain"', 'family = "gian"', "Did you mean 'gain'"),
        ("factor", "facto", "Did you mean 'factor'"),
        ("factor = 0.8", 'factor = "dark"', "expected a number"),
        ("factor = 0.8", "factor = -1.0", "above 0"),
        ("factor = 0.8", "factor = nan", "finite"),
        ('same_as = "noisy"', 'same_as = "nosy"', "Did you mean 'noisy'"),
    ],
)
def test_names_that_stand_for_nothing_are_refused_before_anything_is_trained(study, tmp_path, small, old, new, message):
    study.write_text(STUDY.replace(old, new))
    with pytest.raises(BadInput, match=message):
        run_study(study, small, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_variants_of_another_size_or_without_labels_are_refused(study, tmp_path, small, rng):
    for name, size in (("large", 32), ("unlabelled", 28)):
        write_images(tmp_path / name / "clean.npy", rng.random((60, 1, size, size)).astype(np.float32))
        write_images(tmp_path / name / "t1.npy", rng.random((60, 1, size, size)).astype(np.float32))
    np.save(tmp_path / "large" / "labels.npy", np.zeros(60, int))
    with pytest.raises(BadInput, match="expected 28 × 28 images"):
        run_study(study, small, out=tmp_path / "out", variants=tmp_path / "large")
    with pytest.raises(BadInput, match="no labels found"):
        run_study(study, small, out=tmp_path / "out", variants=tmp_path / "unlabelled")
    assert not (tmp_path / "out").exists()


def test_findings_that_are_none_are_refused(tmp_path):
    for content in ("{}", "[]", "null", '{"title": 1}', "\xff"):
        (tmp_path / "findings.json").write_text(content, encoding="latin-1")
        with pytest.raises(BadInput, match=r"findings\.json"):
            write_report(tmp_path)
