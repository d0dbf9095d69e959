"""Photographs to measure on: split by content, crops that are fair, cases whose truth the catalogue makes again."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from benchmarks.diagnosis import geometry
from benchmarks.diagnosis.drawn.compositions import rms
from benchmarks.diagnosis.resample import Way
from benchmarks.photographs import cases, command, run, source
from benchmarks.photographs.cases import PAIRS, drawn_case, drawn_cases, photograph_case, split_of
from benchmarks.photographs.colored import on_channels
from benchmarks.photographs.run import Asked, outcome_of
from benchmarks.photographs.singles import FAMILIES, filled
from benchmarks.photographs.source import Photograph, photographs
from benchmarks.photographs.strangers import NAMES
from PIL import Image

from shiftassay.diagnosis.identify import searched_families
from shiftassay.errors import BadInput
from shiftassay.records import plain
from shiftassay.shifts.catalog import from_json

SIZE, FEW = 48, 60
needs_photographs = pytest.mark.skipif(
    len(source.installed()) < len(source.listed()), reason=f"{source.missing()} The cases are drawn from them."
)


def _photograph(folder: Path, pixels: np.ndarray) -> Photograph:
    path = folder / f"{len(list(folder.iterdir()))}.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return Photograph("made", "apt", str(path), "0" + hashlib.sha256(path.read_bytes()).hexdigest()[1:])


def _install(monkeypatch: pytest.MonkeyPatch, *pictures: Photograph) -> None:
    monkeypatch.setattr(source, "installed", lambda: pictures)
    monkeypatch.setattr(Photograph, "file", property(lambda self: Path(self.path)))


def _noise(seed: int, height: int, width: int, mean: float) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(mean, 20, (height, width, 3)), 0, 255)


def test_there_are_forty_photographs_and_each_is_in_one_half() -> None:
    assert len({one.sha256 for one in source.listed()}) == len(source.listed()) >= 40
    halves = [one.split for one in source.listed()]
    assert min(halves.count("development"), halves.count("test")) >= 15
    assert (split_of(999), split_of(1000)) == ("development", "test")


def test_a_file_of_another_content_is_left_out(tmp_path: Path) -> None:
    one = _photograph(tmp_path, _noise(0, 40, 40, 100))
    true = hashlib.sha256(Path(one.path).read_bytes()).hexdigest()
    assert replace(one, sha256=true).file == Path(one.path)
    assert replace(one, sha256="0" * 64).file is None


def test_each_photograph_gives_about_as_many_crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, *(_photograph(tmp_path, _noise(i, 60, 90, mean)) for i, mean in enumerate((40, 120, 200))))
    crops = photographs("development", 20, 32)
    darkness = np.digitize(crops.mean((1, 2, 3)), (80, 160))
    assert sorted(np.bincount(darkness, minlength=3)) == [6, 7, 7]
    assert np.array_equal(crops, photographs("development", 20, 32))
    assert not np.array_equal(crops, photographs("development", 20, 32, seed=1))


def test_a_crop_is_the_mean_of_areas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = _noise(0, 64, 64, 120).round()
    monkeypatch.setattr(source, "LEAST_SIDE", 1.0)
    _install(monkeypatch, _photograph(tmp_path, pixels))
    means = pixels.reshape(32, 2, 32, 2, 3).mean((1, 3))
    monkeypatch.setattr(source, "PLAIN", 0.0)
    assert np.abs(photographs("development", 1, 32)[0] - means).max() <= 1


def test_sky_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.full((64, 640, 3), (90, 120, 220), float)
    pixels[:, :200] = np.random.default_rng(0).integers(0, 2, (64, 200, 1)) * 255
    _install(monkeypatch, _photograph(tmp_path, pixels))
    monkeypatch.setattr(source, "LEAST_SIDE", 0.5)
    assert (photographs("development", 30, 32).mean(3).std((1, 2)) >= source.PLAIN).mean() > 0.95


def test_without_photographs_the_error_names_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch)
    with pytest.raises(BadInput, match=r"apt install: mate-backgrounds \(12\).*pip install: scikit-image"):
        photographs("test", 5)
    monkeypatch.setattr(command, "installed", lambda: ())
    with pytest.raises(SystemExit, match="no photograph for test"):
        command.main(["--seed", "1000", "--list"])


@needs_photographs
def test_every_family_that_needs_no_model_and_no_labels_is_drawn() -> None:
    drawn = {case.family for case in drawn_cases(5, {"paired": len(FAMILIES)}, FEW, SIZE)}
    assert drawn == set(FAMILIES)
    without = {"identity", "class_prior", "label_permutation", "label_noise", "label_misalignment"}
    assert {family for family in searched_families() if family not in without} <= drawn
    assert all(len(case.parts) == 2 for case in drawn_cases(5, {"compositions": len(PAIRS)}, FEW, SIZE))
    kinds = {case.parts[0].way.split("-")[0] for case in drawn_cases(5, {"unknown": len(NAMES)}, FEW, SIZE)}
    assert kinds == set(NAMES)


@needs_photographs
def test_a_case_is_the_same_wherever_it_is_asked_for() -> None:
    first, changed, truth = photograph_case(3, "paired", 2, 20, SIZE)
    drawn_case.cache_clear()
    again, changed_again, _ = photograph_case(3, "paired", 2, 20, SIZE)
    assert first.shape == (20, 3, SIZE, SIZE)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.array_equal(changed, changed_again)
    assert truth.answers[0].family == drawn_case(3, "paired", 2, 20, SIZE).family


@pytest.fixture
def same_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case has the first of the same crops, which are read once."""
    crops = photographs("development", FEW, SIZE)
    monkeypatch.setattr(cases, "photographs", lambda split, n, size, seed: crops[:n])


@needs_photographs
@pytest.mark.usefixtures("same_crops")
def test_the_catalogue_makes_the_same_pictures_by_the_truth() -> None:
    """Conventions of colour are the catalogue's; another kernel makes another picture, but a near one.

    But for the outermost pixels, which SciPy makes black where a neighbour would lie outside.
    """
    tried = 0
    for case in drawn_cases(6, {"paired": len(FAMILIES)}, 20, SIZE):
        if case.parts[0].scope != "shared":
            continue
        _, _, truth = photograph_case(6, "paired", case.drawn.index if case.drawn else 0, 20, SIZE)
        shift = from_json(plain(truth.truth[0]))
        remade = shift.apply(truth.reference, np.random.default_rng(1))
        loose = any(word in case.name for word in ("nearest", "cubic", "half", "resize"))
        inside = np.s_[:, :, 2:-2, 2:-2]
        moved = rms((truth.shifted - truth.reference)[inside])
        assert rms((remade - truth.shifted)[inside]) <= (0.5 if loose else 0.3) * moved, case.name
        tried += 1
    assert tried > 15


@needs_photographs
def test_memory_is_that_of_the_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(reference: np.ndarray, shifted: np.ndarray, seed: int) -> SimpleNamespace:
        taken = np.ones((200, 2**20), np.uint8)
        verdict = {"family": "identity", "scope": None, "confidence": float(taken[0, 0]), "parameters": {}}
        answered = {"verdict": verdict, "pairing": {"kind": "same_order"}, "candidates": []}
        return SimpleNamespace(to_json=lambda: answered)

    asked = Asked(2, "paired", 0, 20, SIZE)
    monkeypatch.setattr(run, "diagnose", lambda *sets, seed: greedy(*sets, seed=seed))
    large = outcome_of(asked)
    assert large.error is None
    assert (large.verdict, large.family) == ("identity", False)
    monkeypatch.setattr(run, "diagnose", lambda *sets, seed: 1 / 0)
    failed = outcome_of(asked)
    assert "ZeroDivisionError" in (failed.error or "")
    assert not failed.right
    if large.peak_mib is not None and failed.peak_mib is not None:
        assert 150 <= large.peak_mib - failed.peak_mib <= 300


@needs_photographs
def test_a_process_that_dies_is_an_error_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = SimpleNamespace(returncode=-9, stdout="", stderr="")
    monkeypatch.setattr(run.kept, "FOLDER", tmp_path)
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: dead)
    path = tmp_path / "out.json"
    command.main(["--seed", "2", "--counts", "null=2", "--n", "20", "--size", str(SIZE), "--json", str(path)])
    outcomes = json.loads(path.read_text())["outcomes"]
    assert [outcome["error"] for outcome in outcomes] == ["The process ended with -9. "] * 2
    assert "ERROR null-0" in capsys.readouterr().out


def test_a_stratum_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--counts", "pared=3"])
    assert "expected one of paired, compositions, unknown, null" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fill", "border"),
    [
        ("edge", {"borderMode": cv2.BORDER_REPLICATE}),
        ("reflect", {"borderMode": cv2.BORDER_REFLECT_101}),
        ("symmetric", {"borderMode": cv2.BORDER_REFLECT}),
        ([0.2, 0.5, 1.0], {"borderValue": (0.2, 0.5, 1.0)}),
    ],
)
def test_what_moves_in_is_opencvs(fill, border):
    images = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)
    part = filled(on_channels(geometry.rotate(20.0, Way("cv2", "bilinear"))), fill)
    made = part.make(images, np.zeros(2, np.int64), np.random.default_rng(0)).images
    matrix = cv2.getRotationMatrix2D((15.5, 15.5), 20, 1)
    turned = [
        cv2.warpAffine(np.ascontiguousarray(image.transpose(1, 2, 0)), matrix, (32, 32), **border) for image in images
    ]
    assert np.abs(made - np.stack(turned).transpose(0, 3, 1, 2)).max() < 0.05  # places rounded to a 32nd of a pixel
    assert part.parameters["fill"] == fill
