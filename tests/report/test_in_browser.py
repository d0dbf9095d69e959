"""Pages in a browser: nothing that axe-core objects to, nothing wider than its place, nothing lost on paper."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.browser import browsing

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.report import write
from shiftassay.report.diagnosis_page import write_page
from shiftassay.report.finding import Card, Code, Figure, Finding, Overview, Report, Row, Table
from shiftassay.shifts.catalog import shift
from shiftassay.statistics.intervals import Interval

pytestmark = pytest.mark.torture
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = ("study", "diagnosis")


def study() -> Report:
    """A report with everything that a page can hold."""
    pair = Figure(
        "image_rows",
        {"rows": {"clean": np.ones((1, 1, 9, 9)), "t": np.zeros((1, 1, 9, 9))}, "signed": (), "range": (0, 1)},
        "",
    )
    rows = [
        Row(
            name=f"t{place}",
            changed="Add or subtract the same amount, with a random sign for each pixel",
            known_as="sign_noise, afresh for each image",
            before=Interval(before, before - 0.01, before + 0.01),
            after=after,
            matters=Card("Does it matter", answer, "−26.2 [−27.0, −25.3] points", tone),
            action=Card(
                "What to do", "Repaired in part", "undo (clipped away): 89.0% of 100, under a fresh attack", "action"
            ),
            target="wide",
            pictures=pair,
        )
        for place, (before, after, answer, tone) in enumerate(
            (
                (0.07, Interval(0.95, 0.94, 0.96), "▼ accuracy lost", "bad"),
                (0.10, None, "▼ accuracy lost", "bad"),
                (0.96, None, "= no harm", "good"),
                (0.70, Interval(0.89, 0.85, 0.93), "= no change shown", "plain"),
            ),
            start=1,
        )
    ]
    columns = ("design", *(f"a longer name {place}" for place in range(13)))
    wide = Table(columns, (("undo", *["98.62 [98.37, 98.83]"] * 13),) * 2, "A wide table.", words=(columns[3],))
    folded = replace(wide, folded="the numbers")
    names = ["clean", "t1"]
    accuracy = {
        "names": names,
        "estimate": [0.9, 0.1],
        "low": [0.88, 0.05],
        "high": [0.92, 0.2],
        "chance": 0.1,
        "seeds": [[0.9], [0.1]],
    }
    figures = (
        Figure("accuracy", accuracy, "Accuracies."),
        Figure("recall", {"names": names, "recall": [[0.9, 0.2], [None, 1.0]]}, "Recalls."),
    )
    return Report(
        "Three of four shifts harm this network. One is repaired, one in part and one not at all.",
        "A network that was trained on MNIST is tested on variants of the test set. How does its accuracy change?",
        ("Not shown beside an overview.",),
        (Finding("wide", "Wide things", ("Claim: it is wide.",), (wide, folded), figures),),
        Table(("", ""), (("command", "shiftassay run"),)),
        Table(("", ""), (("made", "today"),)),
        facts=("study", "10,000 images"),
        overview=Overview(tuple(rows), Interval(0.965, 0.96, 0.97), 0.1, "Open dot: as it is."),
        code=(Code("Paste this", "images = images[::-1]  # " + "a long line " * 20),),
    )


@pytest.fixture(scope="module")
def pages(digits, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    few = digits.first(200)
    noisy = shift(few, "gaussian_noise:sd=0.3")
    return {
        "study": write.write_page(folder / "study.html", study()),
        "diagnosis": write_page(folder / "diagnosis.html", diagnose(few, noisy), few, noisy),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(name, width, scheme, pages):
    with browsing(pages[name], width, scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    assert len(results.response["passes"]) > 20


def test_axe_finds_what_is_wrong(tmp_path):
    path = tmp_path / "bad.html"
    path.write_text('<html><body><img src="x.png"><p style="color: #ccc">pale</p></body></html>')
    with browsing(path) as page:
        assert Axe().run(page, options=RULES).violations_count >= 3


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_window(name, width, pages):
    with browsing(pages[name], width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_overview_is_seen_without_scrolling(pages):
    with browsing(pages["study"]) as page:
        rows = page.locator("a.row")
        assert rows.count() == 4
        bottom = rows.last.bounding_box()
        assert bottom is not None
        assert bottom["y"] + bottom["height"] <= 640
        rows.first.click()
        assert page.url.endswith("#wide")


@pytest.mark.parametrize("name", PAGES)
def test_no_column_is_lost_on_paper(name, pages):
    with browsing(pages[name], 690) as page:  # A4 between its margins
        page.emulate_media(media="print")
        cut = page.evaluate(
            "[...document.querySelectorAll('.scroll, pre, main')].filter(e => e.scrollWidth > e.clientWidth + 1)"
            ".map(e => e.textContent.slice(0, 80))"
        )
        assert cut == []
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_colors_follow_the_scheme(pages):
    colors = []
    for scheme in ("light", "dark"):
        with browsing(pages["study"], scheme=scheme) as page:
            colors.append(
                page.evaluate(
                    "[getComputedStyle(document.body).backgroundColor,"
                    " getComputedStyle(document.querySelector('svg text')).fill]"
                )
            )
    (light_page, light_text), (dark_page, dark_text) = colors
    assert light_page != dark_page
    assert light_text != dark_text


def test_text_on_figures_can_be_read_on_a_phone(pages):
    with browsing(pages["study"], 390) as page:
        heights = page.evaluate("[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)")
    assert min(heights) >= 9
