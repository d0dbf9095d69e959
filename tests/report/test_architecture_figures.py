"""Figures of networks that are compared are drawn from the findings of the published study."""

import json
from pathlib import Path

import numpy as np
import pytest

from shiftassay.report.architecture_figures import ARCHITECTURE_FIGURES
from shiftassay.report.figures import draw
from shiftassay.report.finding import Figure
from shiftassay.report.module_figures import MODULE_FIGURES
from shiftassay.runs.store import write_arrays
from shiftassay.studies.architectures.sections import sections
from shiftassay.studies.section import record_of

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "spatial-attention.json"
PUBLISHED = json.loads(RESULTS.read_text(encoding="utf-8"))["sections"]
FIGURES = {
    figure.kind: figure
    for section in sections()
    if section.KEY in PUBLISHED
    for finding in section.findings(record_of(section).from_json(PUBLISHED[section.KEY]))
    for figure in finding.figures
}


@pytest.mark.parametrize("kind", sorted(ARCHITECTURE_FIGURES))
def test_published_findings_are_drawn(kind, tmp_path):
    stored = Figure.from_json(json.loads(json.dumps(FIGURES[kind].to_json())))
    assert draw(stored, tmp_path).startswith(b"<?xml")


@pytest.mark.parametrize("kind", sorted(MODULE_FIGURES))
def test_what_modules_do_is_drawn(kind, tmp_path, rng):
    images, places = rng.random((3, 1, 28, 28), np.float32), np.array([(6, 6), (3, 3), (10, 6)])
    maps, theta = rng.random((3, 3, 12, 12), np.float32), rng.random((3, 2, 3), np.float32)
    arrays = {"input": images, "seen": images, "theta": theta, "maps": maps, "places": places}
    write_arrays(tmp_path / "modules.safetensors", {f"a/{name}": array for name, array in arrays.items()})
    data = {"file": "modules.safetensors", "prefix": "a", "values": {"angle": rng.random(100).tolist()}}
    assert draw(Figure(kind, data, ""), tmp_path).startswith(b"<?xml")
