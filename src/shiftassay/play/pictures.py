"""Pictures on their way to and from a page."""

import base64
import io

import numpy as np
from jaxtyping import Float, Float32, UInt8
from matplotlib import colormaps
from PIL import Image, ImageOps

from shiftassay.errors import BadInput
from shiftassay.imagesets.picture import WHITE_OF_BYTES, Unreadable, read_header, read_picture
from shiftassay.play.views.view import Panel

LARGEST = 40_000_000  # pixels of a picture that is dropped onto the page
HEAT = colormaps["inferno"](np.arange(256), bytes=True)[:, :3]  # also told apart in grey, and by the colour-blind


def shown(panel: Panel) -> str:
    """A panel's picture as a URL that holds it."""
    pixels = np.rint(np.clip(panel.picture, 0, 1) * WHITE_OF_BYTES).astype(np.uint8)
    return as_url(HEAT[pixels] if panel.heat else pixels)


def as_url(pixels: UInt8[np.ndarray, "h w *c"]) -> str:
    """Grey (h, w) or colour (h, w, 3) pixels as a URL that holds them as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def picture_from_text(text: str, shape: tuple[int, int, int]) -> Float32[np.ndarray, "1 c h w"]:
    """The picture whose bytes are given in base 64.

    They stand row by row, the channels of a pixel together. `shape` is (c, h, w). Raises `BadInput`.
    """
    channels, height, width = shape
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise BadInput("the picture is not in base 64. Load the page again.") from None
    if len(content) != channels * height * width:
        raise BadInput(f"the picture has {len(content)} bytes, not {channels * height * width}. Load the page again.")
    pixels = np.frombuffer(content, np.uint8).reshape(1, height, width, channels)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / np.float32(WHITE_OF_BYTES)


def dropped(content: bytes, shape: tuple[int, int, int]) -> UInt8[np.ndarray, "h w *c"]:
    """The pixels of any picture's file, brought to a `shape` (c, h, w).

    It is cut to the proportions of the shape, then resized. Raises `BadInput` for what is no picture, or too large.
    """
    channels, height, width = shape
    file = io.BytesIO(content)
    try:
        header = read_header(file)
        if header.height * header.width > LARGEST:
            raise BadInput(f"the picture has more than {LARGEST // 10**6} megapixels. Make it smaller first.")
        pixels = read_picture(file).pixels
    except Unreadable as error:
        raise BadInput(f"the picture can't be read: {error}.") from None
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image = Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
    return np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS))


def pixels_of(image: Float[np.ndarray, "c h w"]) -> UInt8[np.ndarray, "h w *c"]:
    """An image of a set as bytes to show, clipped to [0, 1]."""
    pixels = np.rint(np.clip(image, 0, 1) * WHITE_OF_BYTES).astype(np.uint8)
    return pixels[0] if len(pixels) == 1 else np.moveaxis(pixels[:3], 0, -1)
