"""The page of a diagnosis holds what was diagnosed, as text, and its figures are drawn from data."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.mechanisms.case import Mechanism
from shiftassay.diagnosis.proof import Accuracies, Check
from shiftassay.diagnosis.result import Diagnosis, ImageCounts
from shiftassay.diagnosis.turned import Turned, TurnedImage
from shiftassay.evaluation.evaluate import assess
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
        "verdict": 0,
        "shares": True,
        "label": "left",
    },
    "power": {
        "frequencies": [0.1, 0.25, 0.5],
        "power": {"reference": [1.0, 0.1, 0.01], "shifted": [1.0, 0.2, 0.1], "made again": [1.0, 0.2, 0.1]},
    },
    "dots": {
        "rows": [
            {"name": "reference", "estimate": 0.9, "low": 0.88, "high": 0.92, "kind": "reference"},
            {"name": "oracle", "estimate": 0.3, "low": 0.2, "high": 0.4, "kind": "ceiling"},
        ],
        "chance": 0.1,
    },
}


@pytest.fixture(scope="module")
def inverted(digits):
    return shift(digits, "invert")


@pytest.fixture(scope="module")
def bare(digits, inverted) -> Diagnosis:
    """One without a model."""
    return diagnose(digits, inverted)


@pytest.fixture(scope="module")
def diagnosis(bare, digits, inverted) -> Diagnosis:
    """The same, with what a model would add to it."""
    numbers = {"growth": 2.125, "layers": ["first", HOSTILE]}
    right = np.eye(10, dtype=np.float32)[digits.labels]
    wrong = np.where(np.arange(len(digits))[:, None] % 4 == 0, np.roll(right, 1, axis=1), right)
    return replace(
        bare,
        accuracy=Accuracies(1.0, 0.75, 0.51, 0.97, 0.97),
        images=ImageCounts(len(digits), len(digits)),
        evaluations=(assess(digits, right), assess(inverted, wrong, digits, right)),
        proof=(Check("same mistakes", 0.912, 0.934, True),),
        mechanisms=(Mechanism("grows", True, "It grows.", numbers), Mechanism("biases", False, "", {"factor": 1.0})),
        notes=(HOSTILE,),
    )


@pytest.fixture(scope="module")
def written(diagnosis, digits, inverted, tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    return write_page(path, diagnosis, digits, replace(inverted, name=f"{HOSTILE} set"), about={"command": HOSTILE})


@pytest.fixture(scope="module")
def page(written) -> str:
    return written.read_text(encoding="utf-8")


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<(style|title)>.*?</\1>", "", html, flags=re.DOTALL)))


def test_the_page_holds_verdict_numbers_and_reasons(page, diagnosis):
    text = text_of(page)
    assert f"Verdict: {diagnosis.verdict}." in text
    for needed in (
        "51.00% with the shift made again, 97.00% undone",
        "0.912",
        "0.934",
        "It grows.",
        "2.125",
        "factor",
    ):
        assert needed in text


def test_the_title_says_what_happened_and_what_it_costs(page):
    title = re.search(r"<h1>(.*?)</h1>", page)
    assert title is not None
    assert title[1] == "Invert. It costs 25.0 points of accuracy. Undone, it is 97.0%."


def test_four_cards_answer_what_how_sure_whether_it_matters_and_what_now(diagnosis, digits, inverted):
    what, sure, matters, now = report(diagnosis, digits, inverted).cards
    assert (what.answer, what.question) == ("Invert", "What happened")
    assert sure.answer == f"{100 * diagnosis.verdict.confidence:.0f}%"
    assert "same mistakes: 91.2% (of two remakes 93.4%)" in sure.detail
    assert (matters.answer, matters.tone) == ("−25.00 points", "bad")
    assert "100.00 → 75.00%" in matters.detail
    assert now.answer == "Undo it: 97.0%"


def test_without_a_model_the_cards_still_say_what_to_do(bare, digits, inverted):
    whole = report(bare, digits, inverted)
    assert whole.title == "Invert. What it costs was not measured."
    assert [card.answer for card in whole.cards[2:]] == ["Not measured", "Undo it"]
    change = float(np.abs(digits.images - inverted.images).mean())
    assert f"by {change:.3f}" in whole.cards[2].detail
    assert "--model" in whole.cards[2].detail


def test_an_unknown_shift_says_so_first(diagnosis, digits, inverted):
    unknown = replace(diagnosis, verdict=replace(diagnosis.verdict, shift=None, parameters={}, intervals={}))
    whole = report(unknown, digits, inverted)
    assert whole.title.startswith("An unknown change: nothing in the catalogue makes it. It costs 25.0 points")
    assert whole.cards[0].answer == "Not in the catalogue"
    assert whole.cards[3].answer == "Look at what is left"
    assert [code.title for code in whole.code] == ["Look at what is left"]
    maps = next(finding for finding in whole.findings if finding.key == "where")
    assert [figure.kind for figure in maps.figures] == ["residuals"]


def test_the_code_to_paste_undoes_the_shift(bare, digits, inverted):
    (code,) = report(bare, digits, inverted).code
    names = {}
    exec(code.text, names)  # noqa: S102  # code that is meant to be pasted
    np.testing.assert_allclose(names["undo"](inverted.images[:, 0]), digits.images[:, 0], atol=1e-6)


def test_commands_stand_before_the_code(bare, digits, inverted):
    going_on = replace(bare, commands=("shiftassay repair a b",))
    assert report(going_on, digits, inverted).code[0].text == "$ shiftassay repair a b"


def test_text_from_outside_is_escaped(page, written):
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;") >= 4  # lead, notes, set, command, numbers
    markdown = written.with_suffix(".md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "&lt;script" in markdown


def test_every_figure_is_on_the_page_as_text_and_as_a_file(page, written, diagnosis, digits, inverted):
    whole = report(diagnosis, digits, inverted)
    figures = [figure for finding in whole.findings for figure in finding.figures]
    assert [figure.kind for figure in figures] == ["unexplained", "dots", "image_rows"]
    assert page.count("<svg") == 2
    assert page.count('class="grid') == 2  # first screen, charts
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", page)
    assert {"reference", "restored without", "invert"} <= set(labels)
    assert len(list(written.parent.glob("page-figures/*.svg"))) == 4


def test_a_page_is_small_and_brings_everything_along(page):
    assert len(page.encode()) < 300_000
    assert not re.search(r"<script|<link|url\(\s*['\"]?http", page)
    assert set(re.findall(r'\bsrc="([a-z]+:[a-z/]+)', page)) == {"data:image/png"}


def test_no_two_things_on_a_page_have_one_id(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_tables_lie_beside_the_page(written):
    assert (written.parent / "page-tables" / "proof.csv").read_text().splitlines() == [
        "check,value,two remakes,passed",
        "same mistakes,0.912,0.934,yes",
    ]


def test_pictures_of_the_sets_can_be_left_out(diagnosis, digits, inverted, tmp_path):
    path = write_page(tmp_path / "shared.html", diagnosis, digits, inverted, show_images=False)
    html = path.read_text(encoding="utf-8")
    assert html.count("<svg") == 2
    assert 'class="grid' not in html.split("<main>")[1].split("<nav")[0]
    assert "Invert. It costs" in html


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
    plain = replace(whole, findings=tuple(replace(f, figures=()) for f in whole.findings), pictures=None)
    assert Report.from_json(plain.to_json()) == plain


def test_images_lost_and_gained_are_shown_with_their_answers(bare, digits, inverted):
    n = min(len(digits), len(inverted))
    lost = (TurnedImage(0, 0, 7, 7, 1), TurnedImage(1, 1, 4, 4, 9))
    page = report(replace(bare, turned=Turned(n, 2, 0, lost, ())), digits, inverted)
    finding = next(finding for finding in page.findings if finding.key == "turned")
    (figure,) = finding.figures
    assert "7\u00a0→\u00a01, 4\u00a0→\u00a09" in figure.caption
    assert np.array_equal(figure.data["rows"]["after"], inverted.images[:2])
    assert all(finding.key != "turned" for finding in report(bare, digits, inverted).findings)
