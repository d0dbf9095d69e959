"""Pictures of many sizes and what a pipeline made of them: the one rule for all of them."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter

from shiftassay.diagnosis.given import read_pair
from shiftassay.shifts.size_rule import size_rule

SIZES = [(70, 96), (96, 70), (81, 113), (120, 77), (64, 64)]


@pytest.fixture(scope="module")
def originals() -> list[Image.Image]:
    rng = np.random.default_rng(4)
    made = []
    for h, w in SIZES:
        coarse, fine = (gaussian_filter(rng.standard_normal((h, w, 3)), (sd, sd, 0)) for sd in (5, 0.7))
        made.append(Image.fromarray(np.clip(127 + 380 * coarse + 40 * fine, 0, 255).astype(np.uint8)))
    return made


def cropped(picture: Image.Image) -> Image.Image:
    """The shorter side to 56 pixels, the longer one rounded down, and 48 × 48 at the centre, as torchvision does."""
    w, h = picture.size
    size = (56, int(56 * h / w)) if w < h else (int(56 * w / h), 56)
    left, top = (round((side - 48) / 2) for side in size)
    return picture.resize(size, Image.Resampling.BILINEAR).crop((left, top, left + 48, top + 48))


def squashed(picture: Image.Image) -> Image.Image:
    return picture.resize((48, 48), Image.Resampling.BICUBIC)


def padded(picture: Image.Image) -> Image.Image:
    return ImageOps.pad(picture, (48, 48), Image.Resampling.BILINEAR, color=(0, 0, 0))


def as_image(picture: Image.Image) -> np.ndarray:
    return np.moveaxis(np.asarray(picture), 2, 0)[None].astype(np.float32) / np.float32(255)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(
            cropped,
            "resized to 56 on the shorter side (bilinear, antialiased), then cropped to 48 × 48 at the centre",
            marks=pytest.mark.torture,
        ),
        (squashed, "stretched to 48 × 48 (bicubic, antialiased)"),
        (padded, "resized to 48 on the longer side (bilinear, antialiased), filled to 48 × 48 at the centre"),
    ],
)
def test_the_rule_makes_every_picture_as_the_pipeline_did(originals, make, said):
    rule = size_rule([(as_image(picture), as_image(make(picture))) for picture in originals])
    assert str(rule) == said
    assert rule is not None
    off = [np.abs(rule.apply(as_image(p)) - as_image(make(p))).max() for p in originals]
    assert max(off) < 1.01 / 255, off


@pytest.mark.torture
def test_pictures_that_do_not_belong_together_have_no_rule(originals):
    others = [*originals[1:], originals[0]]
    assert size_rule([(as_image(a), as_image(squashed(b))) for a, b in zip(originals, others, strict=True)]) is None


def test_folders_of_originals_and_of_crops_are_read_at_one_size(originals, tmp_path):
    for place, picture in enumerate(originals):
        for folder, shown in (("originals", picture), ("crops", ImageOps.invert(cropped(picture)))):
            (tmp_path / folder).mkdir(exist_ok=True)
            shown.save(tmp_path / folder / f"{place}.png")
    before, after = read_pair(tmp_path / "originals", tmp_path / "crops")
    assert before.images.shape == after.images.shape == (5, 3, 48, 48)
    assert np.abs(1 - before.images - after.images).max() < 1.01 / 255
    assert any("5 sizes, each resized to 56 on the shorter side" in note for note in before.notes)
