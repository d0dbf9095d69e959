"""How figures and pages look: each color stands for one thing, and has a twin for dark pages."""

import re
from typing import Any

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

# Light, then dark: both have 4.5 : 1 or more to their background, and are told apart by the colour-blind.
COLORS = {
    "ink": ("#161b26", "#e8ebf2"),
    "soft": ("#566072", "#a9b3c5"),
    "blue": ("#1f5fd0", "#8ab4ff"),
    "orange": ("#b34d00", "#ffab66"),
    "green": ("#0b7048", "#7fdcae"),
    "purple": ("#93348a", "#f0a6e4"),
    "brown": ("#76581a", "#dcc07c"),
    "teal": ("#0a6b7c", "#72d2e4"),
    "paper": ("#fefefe", "#12161f"),
}
INK, GRAY, BLUE, ORANGE, GREEN, PURPLE, BROWN, TEAL, PAPER = (light for light, _ in COLORS.values())
MORE = (BLUE, ORANGE, GREEN, PURPLE, TEAL, BROWN, GRAY)
BEFORE, AFTER, CEILING = ORANGE, BLUE, PURPLE  # accuracy as it is; after a repair or an undo; what could be reached
HEAT = "Blues"  # numbers from low to high
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
    "text.parse_math": False,  # a name may hold dollars
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "shiftassay",
}
_OURS = re.compile("|".join(light for light, _ in COLORS.values()))
_NAMES = {light: name for name, (light, _) in COLORS.items()}


def themed(svg: str) -> str:
    """A figure's colors as those of the page around it.

    >>> themed('<path style="fill: #1f5fd0; stroke: #000000"/>')
    '<path style="fill: var(--blue); stroke: #000000"/>'
    """
    return _OURS.sub(lambda color: f"var(--{_NAMES[color[0]]})", svg)


def palette(dark: bool) -> str:
    """The colors as the properties of a style sheet."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in COLORS.items())


def on_heat(share: float) -> str:
    """The color of text on `HEAT` at a share of its range, in either scheme.

    >>> on_heat(0.1), on_heat(0.9)
    ('#000000', '#ffffff')
    """
    return "#ffffff" if share > 0.55 else "#000000"


def plain_log_ticks(axis: Axis) -> None:
    """Plain numbers at the ticks of a logarithmic axis.

    Text on figures holds no formulas, since a name may hold dollars.
    """
    axis.set_major_locator(LogLocator(10, (1, 3)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
