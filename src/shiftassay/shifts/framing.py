"""How pictures of one size become pictures of another: cut, resized, laid into a frame."""

from dataclasses import dataclass, replace

from shiftassay.shifts.resizing import Kernel, Size

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
    def is_cropped(self) -> bool:
        """Whether the frame leaves out a part of the resized cut."""
        return self.seen != (0, 0, self.resized[1], self.resized[0])

    @property
    def is_padded(self) -> bool:
        """Whether a part of the frame stays free."""
        left, top, right, bottom = self.seen
        return (bottom - top, right - left) != self.output

    @property
    def stages(self) -> "tuple[Framing, ...]":
        """The same in several steps, each a crop, or a resize, or a crop into the frame, or a filled frame."""
        height, width = self.resized
        left, top, right, bottom = self.seen
        seen = bottom - top, right - left
        cut = replace(self, resized=self.cut_size, place=(0, 0), output=self.cut_size)
        inner = replace(
            self, source=self.cut_size, cut=(0, 0, *self.cut_size[::-1]), place=(0, 0), output=self.resized
        )
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
