"""Pictures come and go as they are, and what is none is refused with a sentence."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from shiftassay.errors import BadInput
from shiftassay.play.pictures import as_url, dropped, picture_from_text, pixels_of


def file_of(array, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_comes_as_it_was_sent(channels, rng):
    sent = rng.integers(0, 256, (5, 7, channels), dtype=np.uint8)
    got = picture_from_text(base64.b64encode(sent.tobytes()).decode(), (channels, 5, 7))
    np.testing.assert_array_equal(np.rint(got[0] * 255), sent.transpose(2, 0, 1))


@pytest.mark.parametrize("text", ["", "%%%", "AAAA", "A" * 10_000])
def test_other_text_is_refused(text):
    with pytest.raises(BadInput, match="Load the page again"):
        picture_from_text(text, (1, 28, 28))


def test_what_is_shown_can_be_decoded(rng):
    image = rng.random((3, 4, 6)).astype(np.float32)
    url = as_url(pixels_of(image))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))))
    np.testing.assert_array_equal(shown, np.rint(image * 255).transpose(1, 2, 0))


def test_a_dropped_picture_of_the_same_size_is_taken_as_it_is(rng):
    pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(dropped(file_of(pixels), (1, 28, 28)), pixels)


def test_a_dropped_picture_is_cut_at_its_sides_and_resized():
    wide = np.zeros((60, 120, 3), np.uint8)
    wide[:, 30:90] = 255  # the middle
    assert dropped(file_of(wide), (3, 20, 20)).shape == (20, 20, 3)
    assert dropped(file_of(wide), (3, 20, 20)).min() > 200  # as it was, but for what resizing leaves at the edge
    assert dropped(file_of(wide), (1, 20, 20)).shape == (20, 20)


def test_a_picture_is_turned_as_its_camera_says():
    upright = np.zeros((40, 40), np.uint8)
    upright[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned = dropped(file_of(np.rot90(upright), "JPEG", exif=exif, quality=95), (1, 40, 40))
    assert turned[:8].mean() > 240 > 15 > turned[12:].mean()


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(50), b"%PDF-1.7", b"<svg/>"])
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(BadInput, match="can't be read"):
        dropped(content, (1, 28, 28))


def test_a_picture_of_too_many_pixels_is_refused():
    with pytest.raises(BadInput, match="more than 40 megapixels"):
        dropped(file_of(np.zeros((6400, 6400), np.uint8)), (1, 28, 28))
