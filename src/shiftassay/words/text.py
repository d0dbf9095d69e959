"""Foreign text, made safe to show: on a terminal, in Markdown, in an error message."""

import re

LONGEST_NAME = 100  # bytes of UTF-8

# C0, DEL and C1 without newline and tab; what a terminal, an editor or a browser would act on rather than show.
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
# Line and paragraph separators, marks and overrides that reorder text, and what is left of bytes that are no UTF-8.
_REORDERING = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNPRINTABLE = re.compile(f"[{_CONTROL}{_REORDERING}\ufeff\ufff9-\ufffb\ud800-\udfff]")
_LINES = re.compile(r"[\t\n]")

# Markup: also a run of underscores outside a word. HTML: a tag or an entity. Block: what begins one at a line's start.
_MARKUP = re.compile(r"[\\`*|~$]|(?<![^\W_])_+|_+(?![^\W_])|(?<!\S)#+|\](?=[(\[:])")
_MARKUP_AND_BRACKETS = re.compile(rf"[\[\]]|{_MARKUP.pattern}")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}
_HTML = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_BLOCK = re.compile(r"^(?:>|[+-](?=[\s-]|$)|\[(?=[ xX]\])|(\d+)(?=[.)](?:\s|$)))")


def printable(text: str, lines: bool = False) -> str:
    r"""The text with every control character escaped as Python escapes it.

    These are control characters (escape sequences begin with one), marks that reorder text, separators of lines, and
    the lone surrogates that stand for undecodable bytes of a file's name. With `lines`, newlines and tabs stay.

    >>> print(printable("a\x1b[31mb"), printable("caf\udce9"), printable("1\n2"), printable("é × 漢 👩‍🔬"))
    a\x1b[31mb caf\udce9 1\n2 é × 漢 👩‍🔬
    >>> print(printable("1\n2", lines=True))
    1
    2
    """
    text = _UNPRINTABLE.sub(_escaped, text)
    return text if lines else _LINES.sub(_escaped, text)


def is_printable(text: str) -> bool:
    r"""Whether `printable` would change nothing.

    >>> is_printable("a name"), is_printable("a\nname")
    (True, False)
    """
    return printable(text) == text


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8: its beginning and its end if it is longer.

    What is wrong stands at the beginning of a message, and what to do at its end. `limit` is 100 or more.

    >>> shortened("x" * 1000 + ". Do this.", 100)
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx … (947 characters left out) … xxxxxxxxxxx. Do this.'
    """
    if len(text.encode(errors="replace")) <= limit:
        return text
    room = limit - len(f" … ({len(text)} characters left out) … ".encode())
    begin = _cut(text, room * 2 // 3)
    end = _cut(text[::-1], room // 3)[::-1]
    return f"{begin} … ({len(text) - len(begin) - len(end)} characters left out) … {end}"


def short(name: object) -> str:
    r"""A name from outside, as a message can hold it.

    >>> short("a\x1bb"), len(short("x" * 10_000)) <= LONGEST_NAME
    ('a\\x1bb', True)
    """
    return shortened(printable(str(name)), LONGEST_NAME)


def markdown(text: str, in_brackets: bool = False) -> str:
    r"""Text escaped for Markdown, on one line.

    For a paragraph, heading, table cell, or the brackets of a link.

    >>> print(markdown("<img src=x> a_b _c_ [x](y) p < 0.05 | [84.2, 86.1]"))
    &lt;img src=x> a_b \_c\_ [x\](y) p < 0.05 \| [84.2, 86.1]
    >>> print(markdown("# no\nheading"), markdown("1. no list"), markdown("&lt;"), sep="; ")
    \# no heading; 1\. no list; &amp;lt;
    >>> print(markdown("from [0, 1]", in_brackets=True))
    from \[0, 1\]
    """
    text = printable(" ".join(re.split(r"[\t\n\r\f\v\x85\u2028\u2029]+", text))).strip()
    markup = _MARKUP_AND_BRACKETS if in_brackets else _MARKUP
    text = markup.sub(lambda match: "".join(f"\\{character}" for character in match[0]), text)
    text = _HTML.sub(lambda match: _ENTITIES[match[0]], text)
    return _BLOCK.sub(lambda match: f"{match[1]}\\" if match[1] else f"\\{match[0]}", text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _cut(text: str, size: int) -> str:
    """The beginning of a text: at most so many bytes."""
    return text.encode(errors="replace")[:size].decode(errors="ignore")
