"""Drawing the figures that findings name: one function for each kind, from plain data to a Matplotlib figure."""

import io
from pathlib import Path

import matplotlib as mpl

from shiftassay.report.architecture_figures import ARCHITECTURE_FIGURES
from shiftassay.report.diagnosis_figures import DIAGNOSIS_FIGURES
from shiftassay.report.finding import Figure
from shiftassay.report.set_figures import SET_FIGURES
from shiftassay.report.style import STYLE

DRAWERS = {**SET_FIGURES, **ARCHITECTURE_FIGURES, **DIAGNOSIS_FIGURES}


def draw(figure: Figure, folder: Path) -> bytes:
    """The figure as SVG; arrays that its data names are read from the study's folder."""
    with mpl.rc_context(STYLE):
        canvas = DRAWERS[figure.kind](figure.data, folder)
        out = io.BytesIO()
        canvas.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
