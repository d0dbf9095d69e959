"""How figures look."""

from typing import Any

INK, GRAY, BLUE, ORANGE = "#1d2433", "#8a93a6", "#2f6fde", "#e07b39"
MORE = ("#2f6fde", "#e07b39", "#2a9d6f", "#b04a87", "#7a6ff0", "#8c6d31", "#4f5d75")
STYLE: dict[Any, Any] = {
    "font.size": 9,
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
    "text.parse_math": False,  # a name may hold dollars
    "svg.hashsalt": "shiftassay",
}
