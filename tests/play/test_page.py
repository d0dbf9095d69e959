"""The page can be read: its colours stand out from each other, in light and in dark."""

import re
from importlib.resources import files

import pytest

CSS = (files("shiftassay.play") / "page" / "play.css").read_text(encoding="utf-8")
TEXT = [("ink", "bg"), ("ink", "tint"), ("soft", "bg"), ("soft", "tint"), ("blue", "bg"), ("on-blue", "blue")]
TEXT += [("bad", "bad-tint"), ("good", "good-tint"), ("ink", "tint")]
SHAPES = [("edge", "bg"), ("edge", "tint"), ("blue", "tint"), ("ink", "tint")]


def colors(scheme: str) -> dict[str, str]:
    """The colours of a scheme by name, six hexadecimal digits."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    of = {"light": light, "dark": dark}[scheme]
    return {
        name: "".join(2 * digit for digit in value) if len(value) == 3 else value
        for name, value in re.findall(r"--([\w-]+): #(\w+);", of)
    }


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_the_largest_contrast():
    assert contrast("000000", "ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme):
    found = colors(scheme)
    low = {pair: round(contrast(found[pair[0]], found[pair[1]]), 2) for pair in TEXT}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_borders_and_bars_have_the_contrast_of_wcag_aa(scheme):
    found = colors(scheme)
    low = {pair: round(contrast(found[pair[0]], found[pair[1]]), 2) for pair in SHAPES}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 3} == {}


def test_every_name_that_the_script_looks_for_is_on_the_page():
    page = files("shiftassay.play") / "page"
    html, script = ((page / name).read_text(encoding="utf-8") for name in ("index.html", "play.js"))
    made = {*re.findall(r'id: "([\w-]+)"', script)}
    looked_for = set(re.findall(r'\$\("([\w-]+)"\)', script))
    assert len(looked_for) > 20
    assert looked_for - made == looked_for & set(re.findall(r'id="([\w-]+)"', html))
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", script)
    assert not re.search(r"\son\w+=|style=", html)  # which the policy of the page forbids
