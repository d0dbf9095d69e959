"""A diagnosis in a notebook: pictures beside the verdict, text that is only text, and its page."""

import base64
import inspect
import io
import json
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import shiftassay
from shiftassay.diagnosis import identify as room
from shiftassay.diagnosis.diagnose import diagnose as without_display
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def diagnosis(digits) -> Diagnosis:
    """Of PyTorch's dataset beside inverted images."""
    clean = torch.utils.data.TensorDataset(torch.from_numpy(digits.images), torch.from_numpy(digits.labels))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "searched_families", lambda: ["identity", "invert", "gain"])
        return shiftassay.diagnose(clean, replace(shift(digits, "invert"), name=HOSTILE))


def sheet(html: str) -> np.ndarray:
    [encoded] = re.findall(r'src="data:image/png;base64,([^"]*)"', html)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


def test_a_notebook_shows_verdict_pictures_advice_and_code(diagnosis):
    html = diagnosis._repr_html_()
    rows = sheet(html)
    tall = rows.shape[0] // 5
    assert rows[:tall, :56].mean() < 100 < 150 < rows[tall : 2 * tall, :56].mean()  # black, then white around digits
    assert "From the top: reference, shifted, made again, undone, residual" in html
    assert "invert" in html
    assert diagnosis.advice in html
    assert "images = np.clip(1 - images, 0, 1)" in html
    assert len(html) < 60_000


def test_names_are_only_text_and_there_are_no_scripts(diagnosis):
    html = replace(diagnosis, explanation=HOSTILE)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_report_is_the_page(diagnosis, tmp_path):
    command = "shiftassay repair a.npy b.npy --model m"
    path = replace(diagnosis, commands=(command,)).report(tmp_path / "page.html")
    assert path == tmp_path / "page.html"
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert diagnosis.advice in page
    assert command in page


def test_what_was_stored_has_no_pictures_and_says_so(diagnosis, tmp_path):
    stored = Diagnosis.from_json(json.loads(json.dumps(diagnosis.to_json())))
    sent = pickle.loads(pickle.dumps(diagnosis))
    for one in (stored, sent):
        assert one.display is None
        assert one.verdict.family == "invert"
        assert "<img" not in one._repr_html_()
        with pytest.raises(BadInput, match="Diagnose both sets again"):
            one.report(tmp_path / "other.html")


def test_the_public_function_is_documented_as_the_one_that_it_calls():
    assert inspect.signature(shiftassay.diagnose) == inspect.signature(without_display)
    assert shiftassay.diagnose.__doc__ == without_display.__doc__


@pytest.mark.parametrize("size", [(3, 40, 90), (1, 5, 5), (3, 64, 64)])
def test_pictures_of_any_size_are_small_in_a_notebook(size, diagnosis):
    images = np.random.default_rng(0).random((200, *size)).astype(np.float32)
    sets = [ImageSet(images), ImageSet(np.float32(0.5) * images)]
    display = replace(diagnosis.display, reference=sets[0], shifted=sets[1])
    rows = sheet(display.html(diagnosis))
    assert rows.shape[0] <= 5 * 68
    assert rows.shape[1] <= 8 * 68


def test_what_is_left_out_and_labels_are_kept_for_the_pictures(digits, monkeypatch):
    monkeypatch.setattr(room, "searched_families", lambda: ["identity", "invert"])
    images = digits.images.copy()
    dark = 1 - images
    dark[:, :, :4, :4] = np.random.default_rng(0).random((len(images), 1, 4, 4))
    given = shiftassay.diagnose(images, dark, labels=digits.labels, leave_out=[(0, 0, 4, 4)])
    assert given.verdict.family == "invert"
    assert np.array_equal(given.display.reference.labels, digits.labels)
    assert given.display.shifted.left_out[:4, :4].all()
    assert len(sheet(given._repr_html_())) > 100
    direct = without_display(images, dark, labels=digits.labels, leave_out=[(0, 0, 4, 4)])
    assert direct.notes == given.notes
