"""Draws the figures that findings name.

There is one function for each kind, from plain data to a Matplotlib figure.
"""

import io
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl

from shiftassay.errors import unknown_name
from shiftassay.report.architecture_figures import ARCHITECTURE_FIGURES
from shiftassay.report.diagnosis_figures import DIAGNOSIS_FIGURES
from shiftassay.report.experiment_figures import EXPERIMENT_FIGURES
from shiftassay.report.finding import Figure, Report
from shiftassay.report.module_figures import MODULE_FIGURES
from shiftassay.report.network_figures import NETWORK_FIGURES
from shiftassay.report.set_figures import SET_FIGURES
from shiftassay.report.style import STYLE
from shiftassay.words.text import printable, shortened

LONGEST_LABEL = 500  # bytes
DRAWERS = {
    **SET_FIGURES,
    **ARCHITECTURE_FIGURES,
    **MODULE_FIGURES,
    **NETWORK_FIGURES,
    **DIAGNOSIS_FIGURES,
    **EXPERIMENT_FIGURES,
}
SHOW_IMAGES = ("attention_maps", "image_rows", "residuals", "samples", "transformed")  # kinds that show the sets' own


def without_images(report: Report) -> Report:
    """The report without any picture of the image sets: for a page that is to be shared."""
    overview = report.overview
    if overview is not None:
        overview = replace(overview, rows=tuple(replace(row, pictures=None) for row in overview.rows))
    findings = tuple(
        replace(finding, figures=tuple(figure for figure in finding.figures if figure.kind not in SHOW_IMAGES))
        for finding in report.findings
    )
    return replace(report, findings=findings, overview=overview, pictures=None)


def draw(figure: Figure, folder: Path) -> bytes:
    """The figure as SVG; arrays that its data names are read from the study's folder.

    Raises `BadInput` for an unknown kind.
    """
    if figure.kind not in DRAWERS:
        raise unknown_name("kind of figure", figure.kind, DRAWERS)
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names may be in any script
        canvas = DRAWERS[figure.kind](_shown(figure.data), folder)
        out = io.BytesIO()
        canvas.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _shown(data: Any) -> Any:
    """The data with every text in it as it can be shown.

    SVG knows no control characters, and a label is short.
    """
    if isinstance(data, str):
        return shortened(printable(data, lines=True), LONGEST_LABEL)
    if isinstance(data, Mapping):
        return {_shown(name): _shown(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_shown(value) for value in data]
    return data
