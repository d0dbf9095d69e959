import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.maps import AffineMap, ChannelMap, CurveMap, MatrixMap, NeighbourMap, PlaceMap
from shiftassay.models.traceable import traceable_undo
from shiftassay.shifts.catalog import parse, shift

GREY, COLOUR, PHOTO = (1, 28, 28), (3, 20, 24), (3, 64, 80)


def images_of(shape):
    return ImageSet(np.random.default_rng(5).random((6, *shape), np.float32) ** 2)


@pytest.mark.parametrize(
    ("text", "shape", "kind"),
    [
        ("invert", GREY, ChannelMap),
        ("rescale:scale=255", GREY, ChannelMap),
        ("gain:factor=0.4", COLOUR, ChannelMap),
        ("channel_order:order=[2,1,0]", PHOTO, ChannelMap),
        ("gamma:exponent=0.5", PHOTO, CurveMap),
        ("flip_horizontal", PHOTO, PlaceMap),
        ("translate:dx=2", GREY, PlaceMap),
        ("roll:dx=5", COLOUR, PlaceMap),
        ("rotate:angle=15", GREY, NeighbourMap),
        ("perspective:corners=[[3,2],[-1,0],[0,0],[2,-4]]", GREY, NeighbourMap),
        ("rotate:angle=15", PHOTO, AffineMap),
        ("scale:factor=0.7", PHOTO, AffineMap),
        ("motion_blur:length=5,angle=30", GREY, MatrixMap),
    ],
)
def test_an_undo_becomes_the_simplest_map_that_does_the_same(text, shape, kind):
    family = parse(text)
    module = traceable_undo(family, shape)
    assert isinstance(module, kind) or isinstance(next(module.children()), kind)
    shifted = shift(images_of(shape), family).images.copy()
    wanted = family.undo(shifted, np.random.default_rng(0))
    np.testing.assert_allclose(module(torch.from_numpy(shifted)).numpy(), wanted, atol=2e-4)


def test_a_composition_is_undone_part_by_part():
    family = parse("rotate:angle=15+invert")
    shifted = shift(images_of(GREY), family).images
    undone = traceable_undo(family, GREY)(torch.from_numpy(shifted)).numpy()
    np.testing.assert_allclose(undone, family.undo(shifted, np.random.default_rng(0)), atol=2e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gaussian_noise:sd=0.2", "without each image's partner"),
        ("letterbox:box=[0,4,28,24],size=[28,32]", "changes the size of images"),
        ("gaussian_blur:sd=1", "can't be written into a file for images of 1 × 28 × 28"),
    ],
)
def test_what_can_not_be_put_in_front_is_said(text, message):
    with pytest.raises(BadInput, match=message):
        traceable_undo(parse(text), GREY)
