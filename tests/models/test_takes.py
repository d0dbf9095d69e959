import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.models.takes import IMAGENET, Takes

IMAGES = torch.from_numpy(np.random.default_rng(0).random((2, 3, 4, 5), np.float32))


@pytest.mark.parametrize(
    ("sizes", "layout"),
    [
        ((None, 3, 224, 224), "nchw"),
        ((8, 1, None, None), "nchw"),
        ((None, None, None, 3), "nhwc"),
        ((1, 28, 28), "nhw"),
        ((None, 784), "flat"),
        ((None, None, None, None), ""),
        ((None, 3, 32, 3), ""),
    ],
)
def test_the_layout_is_read_where_the_shape_tells_it(sizes, layout):
    takes = Takes.of_array(sizes, torch.float32, "m")
    assert takes.text == layout
    if not layout:
        with pytest.raises(BadInput, match=r"channels come first or last .*, nor which values .*--takes nchw,0:1$"):
            takes.known("m")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nchw,0:255", lambda x: 255 * x),
        ("nhwc,-1:1", lambda x: (2 * x - 1).transpose(0, 2, 3, 1)),
        ("imagenet", lambda x: (x - np.reshape(IMAGENET[0], (3, 1, 1))) / np.reshape(IMAGENET[1], (3, 1, 1))),
        ("flat-chw,bgr", lambda x: x[:, ::-1].reshape(2, 60)),
        ("flat-hwc", lambda x: x.transpose(0, 2, 3, 1).reshape(2, 60)),
        ("nhwc,0:255,bgr", lambda x: 255 * x[:, ::-1].transpose(0, 2, 3, 1)),
    ],
)
def test_images_are_prepared_as_numpy_prepares_them(words, expected):
    prepared = Takes().stated(words, "m").prepared(IMAGES)
    np.testing.assert_allclose(prepared.numpy(), expected(IMAGES.numpy()), rtol=1e-5, atol=1e-6)


def test_bytes_are_rounded_and_stay_within_their_type():
    takes = Takes.of_array((None, 1, 1, 4), torch.uint8, "m").known("m")
    values = torch.tensor([-0.1, 0.5, 0.999, 1.2]).view(1, 1, 1, 4)
    assert takes.prepared(values).flatten().tolist() == [0, 128, 255, 255]


@given(st.sampled_from(["nchw", "nhwc", "flat-chw"]), st.sampled_from(["0:1", "-1:1", "imagenet"]), st.booleans())
def test_what_is_known_is_read_again_as_it_is_written(layout, span, bgr):
    takes = Takes().stated(f"{layout},{span}" + ",bgr" * bgr, "m")
    assert Takes().stated(takes.text, "m") == takes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nhcw", "'nhcw' is none of nchw, nhwc"),
        ("0:0", "'0:0' is none of"),
        ("flat-hwc", "takes arrays of 4 axes, and flat-hwc has 2"),
    ],
)
def test_words_that_say_nothing_are_refused(words, message):
    with pytest.raises(BadInput, match=message):
        Takes.of_array((None, 3, 8, 8), torch.float32, "m").stated(words, "m")


@pytest.mark.parametrize(
    ("sizes", "words", "message"),
    [
        ((None, 3, 224, 224), None, "images of 3 × 224 × 224 .channels × height × width., and these are 3 × 4 × 5"),
        ((None, 224, None, 3), None, "images of 224 × any × 3 .height × width × channels., and these are 4 × 5 × 3"),
        ((None, 4, 5), None, "images of 4 × 5 .height × width., and these are 4 × 5 × 3"),
        ((None, 784), "flat-chw", "images of 784 .numbers., and these are 60"),
        ((None, 60), None, "does not say how 3 channels are laid out"),
    ],
)
def test_images_that_do_not_fit_are_told_what_is_wanted_and_what_came(sizes, words, message):
    with pytest.raises(BadInput, match=message):
        Takes.of_array(sizes, torch.float32, "m").stated(words, "m").check((3, 4, 5), "m")


def test_an_array_that_holds_no_images_is_refused():
    with pytest.raises(BadInput, match="takes arrays of 5 axes"):
        Takes.of_array((None, 3, 8, 8, 8), torch.float32, "m")
