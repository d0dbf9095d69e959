"""The page of a diagnosis holds what was diagnosed, as text, and its figures are drawn from data."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.proof import Accuracies, Check
from shiftassay.diagnosis.result import Diagnosis, ImageCounts
from shiftassay.report.diagnosis_figures import DIAGNOSIS_FIGURES
from shiftassay.report.diagnosis_page import report, write_page
from shiftassay.report.figures import draw
from shiftassay.report.finding import Figure, Report
from shiftassay.shifts.catalog import shift

HOSTILE = "<script>alert(1)</script>"
ROWS = {"reference": np.zeros((3, 1, 4, 4), np.float32), "residual": np.ones((2, 1, 4, 4), np.float32)}
DATA = {
    "image_rows": {"rows": ROWS, "signed": ("residual",), "range": (0.0, 1.0)},
    "residuals": {"names": ["the whole change", "rotate"], "maps": [np.ones((4, 4)), np.zeros((4, 4))]},
    "unexplained": {
        "names": ["rotate", "shear"],
        "values": [0.01, 0.6],
        "texts": ["1.0%", "60%"],
        "limits": [0.05, 0.04],
        "floor": 0.001,
        "verdict": 0,
        "ticks": (0.001, 0.01, 0.1, 1),
        "percent": True,
        "label": "left",
    },
    "dots": {
        "rows": [
            {"name": "reference", "estimate": 0.9, "low": 0.88, "high": 0.92, "kind": "accuracy"},
            {"name": "oracle", "estimate": 0.3, "low": 0.2, "high": 0.4, "kind": "ceiling"},
        ],
        "chance": 0.1,
    },
}


@pytest.fixture(scope="module")
def inverted(digits):
    return shift(digits, "invert")


@pytest.fixture(scope="module")
def diagnosis(digits, inverted) -> Diagnosis:
    """A small one, with what a model would add to it."""
    numbers = {"growth": 2.125, "layers": ["first", HOSTILE]}
    return replace(
        diagnose(digits, inverted),
        accuracy=Accuracies(0.98, 0.5, 0.51, 0.97, 0.97),
        images=ImageCounts(len(digits), len(digits)),
        proof=(Check("same mistakes", 0.912, 0.934, True),),
        mechanisms=(Mechanism("grows", True, "It grows.", numbers), Mechanism("biases", False, "", {"factor": 1.0})),
        notes=(HOSTILE,),
    )


@pytest.fixture(scope="module")
def page(diagnosis, digits, inverted, tmp_path_factory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, diagnosis, digits, replace(inverted, name=f"{HOSTILE} set"), about={"command": HOSTILE})
    return path.read_text(encoding="utf-8")


def test_the_page_holds_verdict_numbers_and_reasons(page, diagnosis):
    text = re.sub(r"<[^>]*>", "", page)
    assert f"Verdict: {diagnosis.verdict}." in text
    for needed in ("51.00% remade → 97.00% restored", "0.912", "0.934", "It grows.", "2.125", "factor"):
        assert needed in text


def test_text_from_outside_is_escaped(page):
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;") >= 4  # notes, set, command, numbers


def test_every_figure_is_on_the_page(page, diagnosis, digits, inverted):
    figures = [figure for finding in report(diagnosis, digits, inverted).findings for figure in finding.figures]
    drawn = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)
    assert [figure.kind for figure in figures] == ["image_rows", "unexplained", "dots"]
    assert len(drawn) == len(figures)
    assert all(b"<svg" in base64.b64decode(svg) for svg in drawn)


def test_an_unknown_shift_shows_where_it_is_unexplained(diagnosis, digits, inverted):
    unknown = replace(diagnosis, verdict=replace(diagnosis.verdict, shift=None, parameters={}, intervals={}))
    pictures = report(unknown, digits, inverted).findings[0]
    assert [figure.kind for figure in pictures.figures] == ["image_rows", "residuals"]
    assert "Nothing in the catalogue" in pictures.sentences[0]


@pytest.mark.parametrize("kind", DIAGNOSIS_FIGURES)
def test_a_figure_is_drawn_from_its_data(kind):
    svg = draw(Figure(kind, DATA[kind], ""), Path())
    assert svg == draw(Figure(kind, DATA[kind], ""), Path())
    assert b"<svg" in svg


def test_another_number_makes_another_figure():
    other = {**DATA["unexplained"], "values": [0.02, 0.6]}
    assert draw(Figure("unexplained", DATA["unexplained"], ""), Path()) != draw(
        Figure("unexplained", other, ""), Path()
    )


def test_a_report_survives_json(diagnosis, digits, inverted):
    whole = report(diagnosis, digits, inverted)
    plain = replace(whole, findings=tuple(replace(f, figures=()) for f in whole.findings))
    assert Report.from_json(plain.to_json()) == plain
