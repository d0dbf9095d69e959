"""A figure as part of a page: its text is the page's text, its colors those of the page."""

import re
from dataclasses import dataclass

from markupsafe import Markup

from shiftassay.report.style import themed

SMALLEST = 0.8  # of its own size, below which a figure is scrolled rather than made smaller
CSS_PIXELS = 4 / 3  # in a point
_HEAD = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_SIZE = re.compile(r'<svg\b[^>]*?\bviewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>')
_GROUP = re.compile(r' id="[A-Za-z.]+_\d+"')
_REFERENCE = re.compile(r'\bid="|url\(#|href="#')


@dataclass(frozen=True)
class Inlined:
    """An `svg` element, and its natural width in pixels of a page."""

    svg: Markup
    width: int

    @property
    def smallest(self) -> int:
        """The width down to which its text can be read."""
        return round(SMALLEST * self.width)


def inlined(svg: bytes, name: str, alt: str) -> Inlined:
    """Matplotlib's SVG for a page that has others.

    The ids in it begin with `name`, a word; `alt` says what it shows. Raises `ValueError` for what is no SVG of
    Matplotlib's.
    """
    text = _GROUP.sub("", _HEAD.sub("", svg.decode("utf-8")))
    size = _SIZE.search(text)
    if size is None:
        raise ValueError(f"{name}: no SVG with a size")
    text = _REFERENCE.sub(lambda match: f"{match[0]}{name}-", text[size.end() :])
    width, height = size.groups()
    head = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" xmlns:xlink="{}">').format(
        alt, width, height, "http://www.w3.org/1999/xlink"
    )
    # Matplotlib escapes every text in it.
    return Inlined(head + Markup(themed(text)), round(float(width) * CSS_PIXELS))  # noqa: S704  # see above
