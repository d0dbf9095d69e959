"""How a model takes images: layout, size, type, range and order of colours, read or said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from shiftassay.errors import BadInput

Layout = Literal["nchw", "nhwc", "nhw", "flat", "flat-chw", "flat-hwc"]
"""The axes of a batch. `flat` is a row for each image of one channel; with several, their order has to be said."""
AXES = {"nchw": 3, "nhwc": 3, "nhw": 2, "flat": 1, "flat-chw": 1, "flat-hwc": 1}  # of one image
CHANNELS = (1, 3)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and sd of its channels, red first
WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
RANGE = re.compile(r"(-?\d+(?:\.\d+)?):(-?\d+(?:\.\d+)?)")
WORDS = "nchw, nhwc, nhw, flat-chw, flat-hwc, LOW:HIGH, imagenet, bgr, logits, probabilities"

Size = int | None
"""The length of an axis; None where any will do."""


@dataclass(frozen=True)
class Takes:
    """How a model takes images, and whether it answers with logits.

    `dims` is the shape of one image as the model lays it out, `batch` the only number of images that it takes at once;
    None where any will do. `black` and `white` are the values that these have for it, one or one for each channel.
    `layout`, `black` and `probabilities` are None where they are not known. `bgr`: blue comes first.
    """

    dims: tuple[Size, ...] | None = None
    batch: Size = None
    dtype: torch.dtype = torch.float32
    layout: Layout | None = None
    black: tuple[float, ...] | None = None
    white: tuple[float, ...] | None = None
    bgr: bool = False
    probabilities: bool | None = None

    @classmethod
    def of_array(cls, sizes: Sequence[Size], dtype: torch.dtype, name: str) -> "Takes":
        """What the shape and the type of a model's input say.

        Raises `BadInput` for what can't be images.

        >>> Takes.of_array((None, 224, 224, 3), torch.uint8, "m.onnx").text
        'nhwc,0:255'
        """
        if not 2 <= len(sizes) <= 4:
            raise BadInput(
                f"{name}: takes arrays of {len(sizes)} axes. Images have 4, (n, c, h, w) or (n, h, w, c), or 3 or 2 of "
                "one channel. Export a model that takes a batch of images."
            )
        batch, *dims = sizes
        layout: Layout | None = "flat" if len(dims) == 1 else "nhw" if len(dims) == 2 else None
        if len(dims) == 3 and (dims[0] in CHANNELS) != (dims[2] in CHANNELS):
            layout = "nchw" if dims[0] in CHANNELS else "nhwc"
        takes = cls(tuple(dims), batch, dtype, layout)
        return replace(takes, black=(0.0,), white=(255.0,)) if dtype == torch.uint8 else takes

    def stated(self, text: str | None, name: str) -> "Takes":
        """With what a person says of it: words with commas between them.

        Raises `BadInput` for other words, and for a layout that has not the model's number of axes.

        >>> takes = Takes.of_array((None, None, None, None), torch.float32, "m.onnx").stated("nhwc,-1:1,bgr", "m.onnx")
        >>> takes.text, takes.black, takes.white
        ('nhwc,-1:1,bgr', (-1.0,), (1.0,))
        """
        takes = self
        for word in text.lower().split(",") if text else ():
            word = word.strip()
            if word in get_args(Layout):
                takes = takes._laid_out(word, name)
            elif word in ("bgr", "rgb"):
                takes = replace(takes, bgr=word == "bgr")
            elif word in ("logits", "probabilities"):
                takes = replace(takes, probabilities=word == "probabilities")
            else:
                black, white = _range(word, name)
                takes = replace(takes, black=black, white=white)
        return takes

    def known(self, name: str) -> "Takes":
        """The same. Raises `BadInput` with all that has still to be said."""
        missing = []
        if self.layout is None:
            missing.append("whether its channels come first or last (nchw, nhwc)")
        if self.black is None:
            missing.append("which values black and white have for it (0:1, 0:255, -1:1, imagenet)")
        if not missing:
            return self
        example = ",".join([*["nchw"] * (self.layout is None), *["0:1"] * (self.black is None)])
        raise BadInput(f"{name}: the file does not say {', nor '.join(missing)}. Say it: --takes {example}")

    def check(self, shape: Sequence[int], name: str) -> None:
        """Raise `BadInput` for images of (channels, height, width) that don't fit."""
        if self.layout == "flat" and shape[0] > 1:
            raise BadInput(
                f"{name}: takes a row of numbers for each image, which does not say how {shape[0]} channels are laid "
                "out. Say it: --takes flat-chw (channel after channel) or flat-hwc (pixel after pixel)"
            )
        channels, height, width = shape
        arranged = {
            "nchw": (channels, height, width),
            "nhwc": (height, width, channels),
            "nhw": (height, width) if channels == 1 else (height, width, channels),
        }.get(self.layout or "nchw", (channels * height * width,))
        wanted = (None,) * len(arranged) if self.dims is None else self.dims
        if len(wanted) != len(arranged) or any(w not in (None, size) for w, size in zip(wanted, arranged, strict=True)):
            raise BadInput(
                f"{name}: takes images of {_sizes(wanted)} ({self._axes}), and these are {_sizes(arranged)}. Give it "
                "images of the size and the channels that it was made for."
            )

    def prepared(self, images: Tensor) -> Tensor:
        """Images (n, c, h, w), black 0 and white 1, as the model takes them.

        Gradients pass where it takes floating-point numbers.
        """
        black, white = self._ends(images)
        images = images * (white - black) + black if self.black != (0.0,) or self.white != (1.0,) else images
        if self.bgr:
            images = images.flip(1)
        if self.layout in ("nhwc", "flat-hwc"):
            images = images.permute(0, 2, 3, 1)
        if self.layout == "nhw":
            images = images[:, 0]
        if AXES[self.layout or "nchw"] == 1:
            images = images.flatten(1)
        if self.dtype in WHOLE:
            limits = torch.iinfo(self.dtype)
            images = images.round().clamp(limits.min, limits.max)
        return images.to(self.dtype).contiguous()

    def restored(self, images: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """Images as the model takes them, back as (n, c, h, w), black 0 and white 1."""
        channels, height, width = shape
        images = images.to(torch.float32)
        if self.layout in ("nhwc", "flat-hwc"):
            images = images.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        else:
            images = images.reshape(-1, channels, height, width)
        if self.bgr:
            images = images.flip(1)
        black, white = self._ends(images)
        return (images - black) / (white - black)

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """The (channels, height, width) of an image, where the file says it all."""
        sizes = [size for size in self.dims or () if size is not None]
        if len(sizes) == 2 and self.layout == "nhw" and len(self.dims or ()) == 2:
            return (1, sizes[0], sizes[1])
        if len(sizes) != 3:
            return None
        first, second, third = sizes
        return (third, first, second) if self.layout == "nhwc" else (first, second, third)

    @property
    def text(self) -> str:
        """What is known, as `stated` reads it."""
        words = [self.layout] if self.layout else []
        if self.black is not None and self.white is not None:
            words.append(f"{self.black[0]:g}:{self.white[0]:g}" if len(self.black) == 1 else "imagenet")
        words += ["bgr"] if self.bgr else []
        return ",".join([*words, *(["probabilities"] if self.probabilities else [])])

    @property
    def _axes(self) -> str:
        return {"nchw": "channels × height × width", "nhwc": "height × width × channels", "nhw": "height × width"}.get(
            self.layout or "nchw", "numbers"
        )

    def _ends(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What black and white are for the model, to be broadcast over channels."""
        black, white = (
            torch.tensor(ends, dtype=images.dtype, device=images.device).view(-1, 1, 1)
            for ends in (self.black or (0.0,), self.white or (1.0,))
        )
        return black, white

    def _laid_out(self, layout: str, name: str) -> "Takes":
        if self.dims is not None and AXES[layout] != len(self.dims):
            raise BadInput(
                f"{name}: takes arrays of {len(self.dims) + 1} axes, and {layout} has {AXES[layout] + 1}. Name a "
                "layout of as many axes."
            )
        return replace(self, layout=layout)


def _range(word: str, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if word == "imagenet":
        mean, sd = IMAGENET
        black = tuple(-m / s for m, s in zip(mean, sd, strict=True))
        return black, tuple((1 - m) / s for m, s in zip(mean, sd, strict=True))
    if (ends := RANGE.fullmatch(word)) is None or float(ends[1]) == float(ends[2]):
        raise BadInput(f"{name}: --takes {word!r} is none of {WORDS}. An example: --takes nhwc,0:255")
    return (float(ends[1]),), (float(ends[2]),)


def _sizes(sizes: Sequence[Size]) -> str:
    return " × ".join("any" if size is None else f"{size:,}" for size in sizes)
