"""Names from outside through a whole study: a folder's variants and a study's text are shown, never acted upon."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from shiftassay.errors import BadInput
from shiftassay.imagesets.write import write_images
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.studies.run import run_study
from shiftassay.words.text import is_printable

STUDY = """
kind = "shifted-test-sets"
title = "[/x] <script>alert(1)</script> `a` | *b* ![c](http://elsewhere.example)"
question = '''# Is it
[bold]shown[/bold]?'''
network = "mlp"
network_parameters = { widths = [16] }
recipe = "small"
folder = "mine [a]"
"""
NAMES = (
    "$x^$",
    "[bold]",
    "<img src=x onerror=alert(1)>",
    "a|b `c` *d* __e__",
    "](http:x",
    "漢字 👩‍🔬",
    "a'b\"c",
    "%s {0} {{x}}",
)


@pytest.fixture
def study(tmp_path, small, monkeypatch):
    monkeypatch.setitem(RECIPES, "small", Recipe("small", 1, 50, "adamw", 3e-3, held_out=500))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mine [a]"
    write_images(folder / "clean.npy", small.test.images)
    np.save(folder / "labels.npy", small.test.labels)
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path / "study.toml"


def test_hostile_names_go_through_a_study_as_text(study, small):
    for name in NAMES:
        write_images(study.parent / "mine [a]" / f"{name}.npy", small.test.images * np.float32(0.9))
    output = io.StringIO()
    done = run_study(study, small, console=Console(width=300, file=output))
    html, markdown = (done.report.with_name(name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    assert set(NAMES) < {entry["name"] for entry in done.results["sets"]}
    assert not re.search(r"<(script|img(?! src=\"data:))", html)
    assert not re.search(r"<[a-zA-Z/!?]", markdown)
    assert not re.search(r"(?<!\\)\]\((?!(?:figures|tables)/)", markdown)
    assert "[/x] <script>" in output.getvalue()
    written = {path.resolve() for path in study.parent.rglob("*")}
    assert all(path.is_relative_to(study.parent.resolve()) for path in written)


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "\u202egnp", "n" * 61])
def test_a_variant_that_no_result_can_be_named_after_is_refused_before_training(name, study, small):
    write_images(study.parent / "mine [a]" / f"{name}.npy", small.test.images)
    with pytest.raises(BadInput, match="results are kept under a variant's name") as error:
        run_study(study, small)
    assert is_printable(str(error.value))
    assert not (study.parent / "out" / "runs").exists()
