"""How pictures of one size become pictures of another: cut, resized, laid into a frame."""

from dataclasses import dataclass, replace

from shiftassay.shifts.resizing import Kernel, Size
from shiftassay.words.lists import listed

CENTERED = "at the centre"
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are the first column and row outside."""


@dataclass(frozen=True)
class Framing:
    """What leads from pictures of one size to pictures of another, in this order.

    The `cut` is taken out of the picture, in the pixels of `source`; it is resized to `resized`; and that is laid into
    a frame of the size `output`, its upper left corner at the column and row `place`. What reaches beyond the frame is
    cropped, and what stays free is filled. Sizes are height and width.
    """

    source: Size
    cut: Box
    resized: Size
    place: tuple[int, int]
    output: Size
    kernel: Kernel = "bilinear"
    antialias: bool = True
    fill: float | tuple[float, ...] = 0.0

    @property
    def whole(self) -> Box:
        """The box of the whole source."""
        return (0, 0, self.source[1], self.source[0])

    @property
    def cut_size(self) -> Size:
        left, top, right, bottom = self.cut
        return bottom - top, right - left

    @property
    def box(self) -> Box:
        """Where the resized cut lies in the frame; it may reach beyond."""
        (left, top), (height, width) = self.place, self.resized
        return (left, top, left + width, top + height)

    @property
    def seen(self) -> Box:
        """The part of the resized cut that lies within the frame, in its own pixels."""
        (left, top), (height, width), (below, right) = self.place, self.resized, self.output
        return (max(-left, 0), max(-top, 0), min(width, right - left), min(height, below - top))

    @property
    def is_cut(self) -> bool:
        return self.cut != self.whole

    @property
    def is_resized(self) -> bool:
        return self.resized != self.cut_size

    @property
    def shrinks(self) -> bool:
        """Whether it is resized to fewer rows or columns."""
        (height, width), (h, w) = self.cut_size, self.resized
        return h < height or w < width

    @property
    def is_cropped(self) -> bool:
        """Whether the frame leaves out a part of the resized cut."""
        return self.seen != (0, 0, self.resized[1], self.resized[0])

    @property
    def is_padded(self) -> bool:
        """Whether a part of the frame stays free."""
        left, top, right, bottom = self.seen
        return (bottom - top, right - left) != self.output

    def __str__(self) -> str:
        """What was done to the pictures, as a sentence without its full stop.

        >>> print(Framing((40, 60), (0, 0, 60, 40), (20, 20), (0, 0), (20, 20), "area"))
        40 × 60 pictures were stretched to 20 × 20 (area, antialiased)
        >>> print(Framing((28, 28), (0, 0, 28, 28), (28, 28), (2, 2), (32, 32)))
        28 × 28 pictures were laid at the centre of a frame of 32 × 32 (filled with 0)
        """
        done = []
        if self.is_cut:
            done.append(f"cropped to {_size(self.cut_size)} {_where(self.cut, self.source)}")
        if self.is_resized:
            done.append(f"{self._resizing} ({self.kernel}{', antialiased' if self.antialias else ''})")
        if self.is_cropped:
            left, top, right, bottom = self.seen
            done.append(f"cropped to {_size((bottom - top, right - left))} {_where(self.seen, self.resized)}")
        if self.is_padded:
            where = _where(self.box, self.output)
            frame = f"a frame of {_size(self.output)} (filled with {_value(self.fill)})"
            done.append(f"laid {where} of {frame}" if where == CENTERED else f"laid into {frame} {where}")
        return f"{_size(self.source)} pictures were {listed(done)}"

    @property
    def keeps_aspect(self) -> bool:
        """Whether height and width are resized by the same factor, up to rounding."""
        (height, width), (h, w) = self.cut_size, self.resized
        return abs(h / height - w / width) * max(height, width) <= 1.01

    @property
    def _resizing(self) -> str:
        if not self.keeps_aspect:
            return f"stretched to {_size(self.resized)}"
        height, width = self.resized
        if height == width or not (self.is_cropped or self.is_padded):
            return f"resized to {_size(self.resized)}"
        shorter, longer = sorted(self.resized)
        return (
            f"resized to {longer} on the longer side" if self.is_padded else f"resized to {shorter} on the shorter side"
        )

    @property
    def stages(self) -> "tuple[Framing, ...]":
        """The same in steps: crop, resize, crop into the frame, filled frame, as far as needed."""
        left, top, right, bottom = self.seen
        seen = bottom - top, right - left
        cut = replace(self, resized=self.cut_size, place=(0, 0), output=self.cut_size)
        inner = replace(self, source=self.cut_size, cut=(0, 0, *self.cut_size[::-1]), place=(0, 0), output=self.resized)
        crop = Framing(self.resized, self.seen, seen, (0, 0), seen)
        frame = replace(
            self,
            source=seen,
            cut=(0, 0, *seen[::-1]),
            resized=seen,
            place=(max(self.place[0], 0), max(self.place[1], 0)),
        )
        wanted = ((cut, self.is_cut), (inner, self.is_resized), (crop, self.is_cropped), (frame, self.is_padded))
        return tuple(stage for stage, is_done in wanted if is_done)


def _size(size: Size) -> str:
    return f"{size[0]} × {size[1]}"


def _where(box: Box, of: Size) -> str:
    """Where a box lies: `at the centre`, or by its upper left corner."""
    left, top, right, bottom = box
    if abs(left - (of[1] - right)) <= 1 and abs(top - (of[0] - bottom)) <= 1:
        return CENTERED
    return f"from column {left} and row {top}"


def _value(fill: float | tuple[float, ...]) -> str:
    values = fill if isinstance(fill, tuple) else (fill,)
    return listed([f"{value:.3g}" for value in values])
