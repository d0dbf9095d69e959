"""Whatever the text, it is shown: on a terminal, in Markdown, in a message that ends."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shiftassay.words.terminal import spoken
from shiftassay.words.text import is_printable, markdown, printable, shortened

ANY = st.text(st.characters(exclude_categories=()), max_size=60)
MARKED = st.text("ab1 _*`[]()!<>&;:|#-+=~$\\/\"'.\n\t{}^x", max_size=30)
ORDER = [f"{chr(c)}" for c in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@given(ANY)
@example("\x1b]0;x\x07\x9b31m\x7f\x00\u202e\ud800\ufeff\u2028\x85")
def test_what_is_printable_has_nothing_that_acts(text):
    for lines in (False, True):
        shown = printable(text, lines)
        shown.encode()  # there are no lone surrogates
        for character in shown.replace("\n", "").replace("\t", "") if lines else shown:
            assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
            assert character not in ORDER
        assert printable(shown, lines) == shown
    assert is_printable(printable(text))
    assert spoken(text).plain == printable(text, lines=True)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))))
def test_other_text_stays_as_it_is(text):
    assert printable(text) == text


@given(ANY, st.integers(100, 400))
def test_shortened_text_keeps_to_its_limit_and_keeps_its_ends(text, limit):
    text = text * 20
    shown = shortened(text, limit)
    size = len(text.encode(errors="replace"))
    if size <= limit:
        assert shown == text
    else:
        assert len(shown.encode(errors="replace")) <= limit
        match = re.fullmatch(r"(?s)(.*) … \((\d+) characters left out\) … (.*)", shown)
        assert match is not None
        begin, left_out, end = match.groups()
        assert len(begin) + len(end) + int(left_out) == len(text)
        assert shortened(shown, limit) == shown


def read(source):
    """The text that a reader of Markdown sees, and what else is there."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    seen, others = [], []
    tokens = parser.parse(source)
    for token in tokens:
        for part in token.children or []:
            if part.type == "image":
                seen.append("".join(child.content for child in part.children or []))
            elif part.type == "text":
                seen.append(part.content)
            else:
                others.append(part.type)
        if token.type != "inline":
            others.append(token.type)
    return "".join(seen), others


PLACES = {
    "paragraph": ("{}", ["paragraph_open", "paragraph_close"]),
    "after a paragraph": ("x\n\n{}\n\ny", ["paragraph_open", "paragraph_close"] * 3),
    "heading": ("## {}", ["heading_open", "heading_close"]),
    "item": (
        "- {}",
        [
            "bullet_list_open",
            "list_item_open",
            "paragraph_open",
            "paragraph_close",
            "list_item_close",
            "bullet_list_close",
        ],
    ),
    "picture": ("![{}](figures/a.svg)", ["paragraph_open", "paragraph_close"]),
}


@pytest.mark.parametrize("place", PLACES)
@given(text=MARKED | ANY)
@example(text="]: x")
@example(text="a [b")
@example(text="\\")
@example(text="[a\\]")
@example(text="__a__ _b_ c_d")
@example(text="1. a")
@example(text="---")
@example(text="a #")
def test_markdown_shows_text_as_it_is(place, text):
    source, tokens = PLACES[place]
    escaped = markdown(text, in_brackets=place == "picture")
    assert "\n" not in escaped
    if not escaped:
        return
    seen, others = read(source.format(escaped))
    expected = printable(" ".join(re.split(r"[\t\n\r\f\v\x85\u2028\u2029]+", text))).strip()
    assert seen == (f"x{expected}y" if place == "after a paragraph" else expected)
    assert sorted(others) == sorted(tokens)


@given(st.lists(MARKED | ANY, min_size=2, max_size=3))
def test_cells_of_a_table_stay_in_it(cells):
    row = " | ".join(markdown(cell) for cell in cells)
    source = f"| {' | '.join('a' * len(cells))} |\n|{'---|' * len(cells)}\n| {row} |\n"
    _, others = read(source)
    assert others.count("td_open") == len(cells)
    assert others.count("tr_open") == 2
    assert not set(others) - {
        f"{tag}_{end}" for tag in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")
    }


def test_what_people_write_stays_readable():
    for text in ("98.6% [98.3, 98.8], p < 0.0001", "a & b, c_d, 28 × 28", "−0.5 … 2", "t1: gain (factor = 0.4)"):
        assert markdown(text) == text
