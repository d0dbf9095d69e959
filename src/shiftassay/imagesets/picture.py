"""One encoded picture: what its header says, and its pixels."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import IO, cast

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

from shiftassay.imagesets.limits import SHARE, available_memory
from shiftassay.words.numbers import in_bytes

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF")  # none that runs another program
ENDINGS = (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif")
LARGEST = 178_000_000  # pixels: what Pillow holds for a decompression bomb
STORED = 4  # bytes that Pillow takes for one pixel of colour
TURNS = {2, 3, 4, 5, 6, 7, 8}  # values of EXIF's orientation that ask for a turn or a mirror
QUARTER_TURNS = {5, 6, 7, 8}
DEEP = ("I;16", "I;16B", "I;16L", "I;16N")
GRAY = ("1", "L", "LA", "La", *DEEP)
WHITE_OF_BYTES = 255.0
WHITE_OF_DEEP = 65535.0

TURNED = "turned as their EXIF data says"
FIRST_FRAME = "of several frames, of which the first was read"
TRANSPARENT = "transparent, laid on white, or on black where white left nothing to see"
CMYK = "CMYK, converted to RGB without colour profile"
CUT_TO_BYTES = "colour of 16 bits, read with 8"


class Unreadable(Exception):  # noqa: N818  # named for what is wrong
    """A picture that can't be read; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture say.

    `height` and `width` are those after the turn that EXIF asks for; `channels` is 1 or 3; `unit` is white: 255 or
    65535.
    """

    height: int
    width: int
    channels: int
    unit: float

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def values(self) -> int:
        """The numbers that the picture consists of."""
        return self.height * self.width * self.channels


@dataclass(frozen=True)
class Picture:
    """The pixels `(h, w)` or `(h, w, 3)`, uint8 or uint16, and what was done to get them."""

    pixels: np.ndarray
    done: tuple[str, ...]


def read_header(file: BufferedIOBase) -> Header:
    """Size and kind of a picture, without decoding it. Raises `Unreadable`."""
    with _opened(file) as image:
        height, width = image.height, image.width
        if _orientation(image) in QUARTER_TURNS and image.format != "TIFF":
            height, width = width, height
        channels = 1 if image.mode in GRAY or (image.mode == "P" and _is_gray(image)) else 3
        return Header(height, width, channels, WHITE_OF_DEEP if image.mode in DEEP else WHITE_OF_BYTES)


def read_picture(file: BufferedIOBase, factor: int = 1) -> Picture:
    """The pixels of a picture, its height and width divided by `factor` (means of blocks).

    EXIF's orientation is honoured. Palettes and CMYK become RGB, grey stays grey. Transparent pictures are laid on
    white, or on black where white leaves nothing to see. Of several frames the first is read. Raises `Unreadable`.
    """
    with _opened(file) as image:
        orientation, done = _orientation(image), []
        if getattr(image, "is_animated", False) and image.format != "MPO":  # phones put previews into an MPO
            done.append(FIRST_FRAME)
        if any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())) and image.mode not in DEEP:
            done.append(CUT_TO_BYTES)
        image.load()
        plain, conversions = as_plain(image)
        if factor > 1:
            plain = _reduced(plain, factor)
        if orientation in TURNS:
            done.append(TURNED)
            if image.format != "TIFF":  # Pillow turns those itself
                plain.getexif()[ExifTags.Base.Orientation] = orientation
                plain = ImageOps.exif_transpose(plain)
        pixels = np.asarray(plain)
        if pixels.dtype == bool:
            pixels = pixels.astype(np.uint8) * np.uint8(WHITE_OF_BYTES)
        return Picture(pixels.astype(pixels.dtype.newbyteorder("="), copy=False), (*done, *conversions))


@contextmanager
def _opened(file: BufferedIOBase) -> Iterator[ImageFile.ImageFile]:
    """The picture with its header read. Whatever goes wrong while it is open is `Unreadable`."""
    Image.init()  # else only some formats are known
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, and of large pictures, which are checked here
        try:
            with Image.open(cast(IO[bytes], file), formats=FORMATS) as image:
                _check_size(image)
                if image.mode in ("I", "F"):
                    raise Unreadable("holds 32-bit numbers, of which nothing says what is white: save them as .npy")
                yield image
        except (Unreadable, MemoryError):
            raise
        except Image.UnidentifiedImageError:
            raise Unreadable("no picture, or one in a format that is not read") from None
        except Image.DecompressionBombError:
            raise Unreadable(f"more than {LARGEST / 1e6:.0f} megapixels, the most that is read") from None
        except Exception as error:  # decoders of damaged files raise anything
            raise Unreadable(f"damaged ({str(error) or type(error).__name__})") from None


def _check_size(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > LARGEST:
        raise Unreadable(
            f"{image.height:,} × {image.width:,}: more than {LARGEST / 1e6:.0f} megapixels, the most that is read"
        )
    available = available_memory() if pixels > LARGEST // 16 else None
    if available is not None and STORED * pixels > SHARE * available:
        raise Unreadable(f"takes {in_bytes(STORED * pixels)} to decode, too much for the memory that is available")


def _orientation(image: ImageFile.ImageFile) -> int:
    """EXIF's orientation, as far as it stands before the pixels.

    To look behind them, Pillow decodes the whole of a PNG file.
    """
    if image.format in ("PNG", "GIF", "BMP", "DIB") and "exif" not in image.info:
        return 1
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF data leave the picture as it is
        return 1
    return value if value in TURNS else 1


def _is_gray(image: Image.Image) -> bool:
    palette = image.getpalette()
    return palette is not None and palette[0::3] == palette[1::3] == palette[2::3]


def as_plain(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """The picture as grey or RGB, and what was done for that."""
    if image.mode in DEEP:
        return image, []
    gray = image.mode in GRAY or (image.mode == "P" and _is_gray(image))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _laid_on_white(image.convert("RGBA"), "L" if gray else "RGB")
    if image.mode == "CMYK":
        return image.convert("RGB"), [CMYK]
    return image.convert("L" if gray else "RGB"), []


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    if image.mode not in DEEP:
        return image.reduce(factor)
    means = Image.fromarray(np.asarray(image).astype(np.float32)).reduce(factor)
    return Image.fromarray(np.rint(np.asarray(means)).astype(np.uint16))


def _laid_on_white(image: Image.Image, mode: str) -> tuple[Image.Image, list[str]]:
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert(mode), []
    ink = image.convert(mode)
    for background in ("white", "black"):
        result = Image.new(mode, image.size, background)
        result.paste(ink, mask=alpha)
        if np.ptp(np.asarray(result), axis=(0, 1)).any():
            break
    return result, [TRANSPARENT]
