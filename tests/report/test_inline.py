import re
from pathlib import Path

import pytest

from shiftassay.report.figures import draw
from shiftassay.report.finding import Figure
from shiftassay.report.inline import inlined
from shiftassay.report.style import COLORS

DOTS = Figure(
    "dots",
    {"rows": [{"name": "a <b> & c", "estimate": 0.9, "low": 0.8, "high": 0.95, "kind": "shifted"}], "chance": 0.1},
    "",
)


@pytest.fixture(scope="module")
def svg() -> bytes:
    return draw(DOTS, Path())


def test_text_stays_text_and_is_escaped(svg):
    shown = str(inlined(svg, "f1", "what it shows").svg)
    assert "a &lt;b&gt; &amp; c</text>" in shown
    assert "90.0% [80.0, 95.0]" in shown


def test_what_it_shows_is_said_and_escaped(svg):
    assert 'aria-label="&#34; onload=&#34;x"' in str(inlined(svg, "f1", '" onload="x').svg)


def test_colors_are_those_of_the_page(svg):
    shown = str(inlined(svg, "f1", "").svg)
    assert "var(--orange)" in shown
    assert not any(light in shown for light, _ in COLORS.values())


def test_two_figures_have_no_id_in_common(svg):
    one, other = (set(re.findall(r'id="([^"]+)"', str(inlined(svg, name, "").svg))) for name in ("f1", "f2"))
    assert one
    assert not one & other
    assert set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", str(inlined(svg, "f1", "").svg))) <= one


def test_what_is_no_figure_is_refused():
    with pytest.raises(ValueError, match="f1: no SVG"):
        inlined(b"<p>hello</p>", "f1", "")
