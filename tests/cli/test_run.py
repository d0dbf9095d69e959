"""`shiftassay run`: what it does beside running a study."""

import numpy as np
import pytest
from typer.testing import CliRunner

from shiftassay.cli.app import app
from shiftassay.report.finding import Figure, Finding, Report, Table
from shiftassay.report.write import write_report
from shiftassay.runs.store import write_arrays
from shiftassay.studies.outcome import StudyRun


@pytest.mark.parametrize(("option", "images"), [((), 2), (("--no-pictures",), 0)])
def test_a_page_to_be_shared_shows_no_images(option, images, tmp_path, monkeypatch):
    write_arrays(tmp_path / "samples.safetensors", {"a": np.zeros((2, 1, 4, 4), np.float32)})
    figure = Figure("samples", {"file": "samples.safetensors", "names": ["a"]}, "")
    page = write_report(tmp_path, Report("x", "x", (), (Finding("x", "x", (), (), (figure,)),), Table(("", ""), ())))
    monkeypatch.setattr("shiftassay.studies.run.run_study", lambda *_, **__: StudyRun(page, {}))
    ended = CliRunner().invoke(app, ["run", "shifted-test-sets", *option])
    assert ended.exit_code == 0, ended.output
    assert page.name in ended.output
    assert page.read_text().count('src="data:image') == images
