"""One picture: its pixels are Pillow's and OpenCV's, whatever its format."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from shiftassay.imagesets import picture
from shiftassay.imagesets.picture import FIRST_FRAME, TURNED, Unreadable, read_header, read_picture

ORIENTATION = 0x0112


@pytest.fixture
def photo() -> Image.Image:
    """Smooth colours of 30 × 40, which JPEG keeps."""
    y, x = np.mgrid[:30, :40]
    return Image.fromarray(np.stack([6 * x, 8 * y, 3 * (x + y)], axis=2).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    buffer.seek(0)
    return buffer


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


def both(file: io.BytesIO):
    """The header, and the picture."""
    header = read_header(file)
    file.seek(0)
    return header, read_picture(file)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP"])
def test_pixels_without_loss_are_those_that_were_saved(photo, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    header, read = both(encoded(photo, kind, **options))
    np.testing.assert_array_equal(read.pixels, np.asarray(photo))
    assert (header.size, header.channels, header.unit) == ((30, 40), 3, 255.0)
    assert read.done == ()


def test_a_jpeg_is_decoded_as_opencv_decodes_it(photo):
    file = encoded(photo, "JPEG", quality=95)
    truth = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(read_picture(file).pixels.astype(int) - truth).max() <= 3


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_turn_that_exif_asks_for_is_made(photo, kind, orientation):
    file = encoded(photo, kind, exif=with_orientation(orientation))
    with Image.open(io.BytesIO(file.getvalue())) as stored:
        stored.load()
        truth = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))
    header, read = both(file)
    np.testing.assert_array_equal(read.pixels, truth)
    assert header.size == truth.shape[:2]
    assert TURNED in read.done


def test_orientation_6_lays_the_left_side_on_top(photo):
    read = read_picture(encoded(photo, "PNG", exif=with_orientation(6)))
    np.testing.assert_array_equal(read.pixels, np.rot90(np.asarray(photo), -1))


def test_gray_keeps_one_channel_and_palettes_have_those_of_their_colours(photo):
    gray = photo.convert("L")
    for image, channels in ((gray, 1), (gray.convert("P"), 1), (photo.quantize(64), 3), (gray.convert("1"), 1)):
        header, read = both(encoded(image, "PNG"))
        truth = np.asarray(image.convert("L" if channels == 1 else "RGB"))
        np.testing.assert_array_equal(read.pixels, truth)
        assert header.channels == channels


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_kept(kind):
    deep = np.random.default_rng(0).integers(0, 65536, (8, 9), dtype=np.uint16)
    header, read = both(encoded(Image.fromarray(deep), kind))
    np.testing.assert_array_equal(read.pixels, deep)
    assert header.unit == 65535.0
    half = read_picture(encoded(Image.fromarray(deep), kind), factor=2).pixels
    assert abs(int(half[0, 0]) - deep[:2, :2].mean()) <= 0.5


def test_cmyk_becomes_rgb(photo):
    file = encoded(photo.convert("CMYK"), "TIFF")
    np.testing.assert_array_equal(read_picture(file).pixels, np.asarray(photo.convert("CMYK").convert("RGB")))


@pytest.mark.parametrize(("ink", "background"), [(0, 255), (128, 255), (255, 0)])
def test_ink_of_any_colour_on_a_transparent_ground_stays_visible(ink, background):
    drawing = np.zeros((8, 8, 4), np.uint8)
    drawing[..., :3] = ink
    drawing[2:4, 2:6, 3] = 255
    pixels = read_picture(encoded(Image.fromarray(drawing), "PNG")).pixels
    assert (pixels[2:4, 2:6] == ink).all()
    assert (pixels[drawing[..., 3] == 0] == background).all()


def test_an_opaque_alpha_channel_changes_nothing(photo):
    read = read_picture(encoded(photo.convert("RGBA"), "PNG"))
    np.testing.assert_array_equal(read.pixels, np.asarray(photo))
    assert read.done == ()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_of_several_frames_is_read_and_said(photo, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    file = encoded(photo, kind, save_all=True, append_images=[ImageOps.invert(photo)], **options)
    read = read_picture(file)
    assert np.abs(read.pixels.astype(int) - np.asarray(photo)).mean() < 10
    assert FIRST_FRAME in read.done


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_a_damaged_picture_is_unreadable(photo, kind):
    content = encoded(photo, kind).getvalue()
    with pytest.raises(Unreadable):
        read_picture(io.BytesIO(content[: len(content) // 2]))


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_unreadable(content):
    with pytest.raises(Unreadable):
        read_header(io.BytesIO(content))


def test_a_bomb_is_refused_by_its_header():
    packed = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(packed, "PNG")
    assert len(packed.getvalue()) < 100_000
    packed.seek(0)
    with pytest.raises(Unreadable, match="megapixels"):
        read_header(packed)


def test_too_little_memory_to_decode_is_said(photo, monkeypatch):
    monkeypatch.setattr(picture, "available_memory", lambda: 1000)
    monkeypatch.setattr(picture, "LARGEST", 1200)
    with pytest.raises(Unreadable, match="memory"):
        read_header(encoded(photo, "PNG"))


def test_numbers_of_32_bits_are_not_guessed_at(tmp_path: Path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tiff")
    with (tmp_path / "a.tiff").open("rb") as file, pytest.raises(Unreadable, match="32-bit"):
        read_header(file)


def test_a_smaller_picture_has_the_means_of_blocks(photo):
    read = read_picture(encoded(photo, "PNG"), factor=2)
    truth = np.asarray(photo, float).reshape(15, 2, 20, 2, 3).mean((1, 3))
    assert np.abs(read.pixels - truth).max() <= 0.5
