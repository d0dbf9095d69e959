"""`shiftassay run`: what it does beside running a study."""

import numpy as np
import pytest
from typer.testing import CliRunner

from shiftassay.cli.app import app
from shiftassay.report.finding import Figure, Finding, Report, Table
from shiftassay.runs.store import write_arrays
from shiftassay.studies.outcome import finish


@pytest.mark.parametrize(("option", "images"), [((), 2), (("--no-pictures",), 0)])
def test_a_page_to_be_shared_shows_no_images(option, images, tmp_path, monkeypatch):
    write_arrays(tmp_path / "samples.safetensors", {"a": np.zeros((2, 1, 4, 4), np.float32)})
    figure = Figure("samples", {"file": "samples.safetensors", "names": ["a"]}, "")
    report = Report("x", "x", (), (Finding("x", "x", (), (), (figure,)),), Table(("", ""), ()))

    def run_study(*_, show_images, **__):
        return finish(tmp_path, report, {}, show_images)

    monkeypatch.setattr("shiftassay.studies.run.run_study", run_study)
    ended = CliRunner().invoke(app, ["run", "shifted-test-sets", *option])
    assert ended.exit_code == 0, ended.output
    page = tmp_path / "report.html"
    assert page.name in ended.output
    assert page.read_text().count('src="data:image') == images
    assert sum(path.suffix == ".png" for path in tmp_path.rglob("*")) == 0 or images
