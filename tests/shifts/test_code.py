"""Code to paste: every family's runs on pictures, and does what the family's own undo does."""

import ast
from typing import Any

import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.families.noise import Noise
from shiftassay.shifts.family import FAMILIES, Shift

MAY_IMPORT = {"numpy", "scipy", "PIL", "torch"}
KNOWN = [
    "gain:factor=2,clip=true",
    "offset:amount=-0.2",
    "rescale:scale=3.2,offset=-0.42",
    "color_matrix:matrix=[[1,0.2,0],[0.1,1,0],[0,0.3,1]],offset=[0.1,0,0],clip=false",
    "channel_rescale:scale=[1.2,1,0.8],offset=[0,0.1,0],clip=true",
    "byte_wrap:amount=-3,low=-128",
    "buffer_layout:written=wh,read=hw",
    "buffer_layout:written=cwh,read=hwc",
    "motion_blur:length=9,angle=200,fading=3",
    "translate:dx=0.5,dy=-1.25",
    "tone_curve:points=[[0,1],[0.3,0.5],[1,0.1]]",
    "tone_curve:known=srgb_to_linear",
    "tone_curve:known=linear_to_srgb",
    "illumination:field=[[0.4,1],[0.7,0.9]]",
    "fixed_pattern:sd=0.2,clip=false",
    "letterbox:box=[3,2,13,22],size=[24,16],fill=0.5,kernel=lanczos",
    "rotate:angle=-20+invert+gain:factor=0.5",
    "stretch:factors=[0.5,0.5]+roll:dx=-3",
] + [f"stretch:factors=[2,0.5],kernel={kernel}" for kernel in ("nearest", "bicubic", "lanczos", "area", "gaussian")]
KNOWN += [f"stretch:factors=[0.5,0.6],antialias=false,kernel={k}" for k in ("nearest_floor", "bilinear", "bicubic")]


def drawn(name: str, rng: np.random.Generator) -> Shift:
    """A family with numbers at random from where it looks for them; its example where it doesn't."""
    family, search = FAMILIES[name], FAMILIES[name].search
    numbers = [rng.uniform(min(s.starts), max(s.starts)) for s in search.values() if s.starts]
    if not numbers or len(numbers) < len(search):
        return parse(f"{name}:{family.example}")
    return family.from_numbers(np.array(numbers) + 0.01 * rng.standard_normal(len(numbers)))


def with_undo() -> list[Any]:
    """Every family that undoes anything, with numbers at random, and some of known ones."""
    rng = np.random.default_rng(0)
    own = [name for name in FAMILIES if name != "compose" and FAMILIES[name].undo is not Shift.undo]
    cases = [pytest.param(drawn(name, rng), id=name) for name in own if FAMILIES[name].group not in ("none", "sample")]
    return cases + [pytest.param(parse(text), id=text) for text in KNOWN]


def pictures(shift: Shift, channels: int) -> np.ndarray:
    """A few pictures in bytes, some of them flat, and some pixels without colour."""
    size = (20, 20) if shift.family == "transpose" else (12, 20)
    images = np.random.default_rng(1).integers(0, 256, (3, channels, *size)) / 255
    images[:, :, :3] = images[:, :1, :3]
    return images.astype(np.float32)


def last(images: np.ndarray) -> np.ndarray:
    """Channels last; of grey pictures none."""
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "pasted", "exec"), names)  # noqa: S102  # code that is meant to be pasted
    return names


@pytest.mark.parametrize("shift", with_undo())
def test_the_code_to_paste_does_what_the_undo_does(shift):
    kinds = 0
    for channels in (1, 3):
        images = pictures(shift, channels)
        realized = shift.realize(images.shape[1:], np.random.default_rng(2))
        try:
            shifted = realized.apply(images, np.random.default_rng(3))
        except BadInput:  # a family of colours alone
            continue
        own = realized.undo(shifted, np.random.default_rng(3))
        code = realized.undo_code
        assert (own is None) == (code is None)
        before = shifted.copy()
        undone = run(code or "")["undo"](last(shifted))
        assert np.array_equal(shifted, before)
        assert undone.shape == last(own).shape
        # Pillow rounds values that are whole bytes to bytes.
        tolerance = 1.5 / 255 if "stretch" in str(realized) or shift.group == "framing" else 2e-4
        assert np.abs(undone - last(own)).max() < tolerance
        kinds += 1
    assert kinds


@pytest.mark.parametrize("shift", with_undo())
def test_code_to_paste_needs_no_more_than_numpy_scipy_pillow_or_torch(shift):
    code = shift.realize((3, 12, 20), np.random.default_rng(0)).undo_code
    nodes = list(ast.walk(ast.parse(code)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} <= MAY_IMPORT
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    imported = {
        alias.asname or alias.name for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for alias in n.names
    }
    assert imported <= names | {"Image"}


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "compose"])
def test_every_family_says_what_to_do(name):
    shift = parse(f"{name}:{FAMILIES[name].example}").realize((3, 12, 20), np.random.default_rng(0))
    assert shift.advice.endswith(".")
    if shift.undo_code is None and shift.group not in ("none", "sample", "attack"):
        assert shift.training_code is not None


def noises() -> list[str]:
    own = [name for name in FAMILIES if FAMILIES[name].training_steps is not Shift.training_steps]
    drawn_too = ["gaussian_noise:sd=0.1..0.3", "impulse_noise:fraction=0.1|0.4", "sign_noise:epsilon=0.2,clip=false"]
    together = ["gaussian_noise:sd=0.2,channels=together", "impulse_noise:fraction=0.2,channels=together"]
    return [f"{name}:{FAMILIES[name].example}" for name in own] + drawn_too + together


@pytest.mark.parametrize("text", noises())
def test_the_line_for_training_makes_noise_of_the_same_size(text):
    shift = parse(text)
    images = np.full((600, 3, 10, 10), 0.5, np.float32)
    torch.manual_seed(0)
    made = run(shift.training_code or "")["augment"](torch.from_numpy(images)).numpy()
    own = shift.apply(images, np.random.default_rng(0))
    assert made.shape == own.shape
    assert made.dtype == own.dtype
    assert made.mean() == pytest.approx(own.mean(), abs=0.005)
    assert made.std() == pytest.approx(own.std(), rel=0.05)
    ends = [np.quantile(side, (0.02, 0.98)) for side in (made, own)]
    assert np.allclose(*ends, atol=0.05)
    correlations = [float(np.corrcoef(side[:, 0].ravel(), side[:, 1].ravel())[0, 1]) for side in (made, own)]
    assert correlations[0] == pytest.approx(correlations[1], abs=0.05)


def test_every_family_of_noise_has_its_line_for_training():
    families = [FAMILIES[name] for name in FAMILIES if issubclass(FAMILIES[name], Noise)]
    assert len(families) > 5
    assert all(family.training_steps is not Shift.training_steps for family in families)


@pytest.mark.parametrize("text", ["jpeg:quality=20", "rotate:angle=-30..30,scope=per_image", "crop:box=[2,1,18,11]"])
def test_what_has_no_line_is_trained_with_through_shiftassay(text):
    images = pictures(parse(text), 3)
    made = run(parse(text).training_code or "")["augment"](images, np.random.default_rng(5))
    assert np.array_equal(made, parse(text).apply(images, np.random.default_rng(5)))


def test_what_was_drawn_for_each_image_has_no_undo_to_paste():
    assert parse("rotate:angle=-30..30,scope=per_image").undo_code is None
    assert parse("gain:factor=0.5..0.9").undo_code is None
    assert parse("rotate:angle=-30..30,scope=per_image+gaussian_noise:sd=0.1").undo_code is None


def test_of_several_parts_those_are_undone_that_can_be():
    turned, both = parse("rotate:angle=5"), parse("rotate:angle=5+gaussian_noise:sd=0.1")
    assert both.undo_code == turned.undo_code
    images = np.random.default_rng(0).random((2, 1, 9, 9), np.float32)
    np.testing.assert_array_equal(
        both.undo(images, np.random.default_rng(1)), turned.undo(images, np.random.default_rng(1))
    )
    assert parse("gaussian_noise:sd=0.1+jpeg:quality=50").undo(images, np.random.default_rng(1)) is None
    assert parse("saturation:factor=0").undo_code is None


def test_labels_are_put_back():
    labels = np.array([0, 1, 2, 2])
    for text in ("label_permutation:mapping=[2,0,1]", "label_misalignment:offset=1"):
        shift = parse(text)
        moved = np.array([2, 0, 1])[labels] if "mapping" in text else np.roll(labels, 1)
        assert np.array_equal(run(shift.undo_code or "")["undo"](moved), labels)


def test_a_composition_says_what_helps_with_each_part():
    advice = Compose((parse("rotate:angle=5"), parse("crop:box=[0,0,9,9]"))).advice
    assert "rotate: undo it" in advice
    assert "crop: what was cut off is lost" in advice
