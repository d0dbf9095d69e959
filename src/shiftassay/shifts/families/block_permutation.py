"""Square blocks in another order."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, in_a_row
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.places import Parts
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.permutation import (
    Order,
    Permutation,
    Places,
    keeps_values,
    order_by_mean_picture,
    shared_order,
)
from shiftassay.shifts.family import FAMILIES, Shift, check
from shiftassay.shifts.invariants import sorted_blocks
from shiftassay.shifts.parameters import PerImage
from shiftassay.shifts.properties import Invariant


@FAMILIES.register("block_permutation")
@dataclass(frozen=True)
class BlockPermutation(Permutation):
    """Cut the picture into square blocks and put these in another order.

    Parameters:
        block: side of a block in pixels, 1 or more; it must divide the picture's height and width.
        permutation: out[i] = in[permutation[i]] over the blocks, row by row; drawn if None.
        unidentified: of an estimate, the places whose source the images don't tell.
    """

    family: ClassVar[str] = "block_permutation"
    example: ClassVar[str] = "block=4"
    orders: ClassVar[bool] = True
    why: ClassVar[str] = (
        "Strokes survive within a block but are cut at its borders, and whatever depends on where a part stands is "
        "lost."
    )
    code_of_places: ClassVar[str] = (
        "n, h, w = images.shape[:3]\n"
        "blocks = images.reshape(n, h // block, block, w // block, block, -1).swapaxes(2, 3)\n"
        "blocks = blocks.reshape(n, -1, block, block, blocks.shape[-1])[:, places]\n"
        "blocks = blocks.reshape(n, h // block, w // block, block, block, -1).swapaxes(2, 3)\n"
        "images = blocks.reshape(images.shape)"
    )

    block: int
    permutation: Order | PerImage = None
    unidentified: Places = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "block", lambda v: v >= 1, "1 or more")

    def undo_steps(self) -> Steps | None:
        return in_a_row([Steps(f"block = {self.block}"), super().undo_steps()])

    def to_parts(self, images: Images) -> Parts:
        n, c, h, w = images.shape
        rows, columns = self._blocks(h, w)
        blocks = images.reshape(n, c, rows, self.block, columns, self.block).transpose(0, 2, 4, 1, 3, 5)
        return blocks.reshape(n, rows * columns, -1)

    def to_images(self, parts: Parts, shape: tuple[int, ...]) -> Images:
        n, c, h, w = shape
        rows, columns = self._blocks(h, w)
        blocks = parts.reshape(n, rows, columns, c, self.block, self.block).transpose(0, 3, 1, 4, 2, 5)
        return blocks.reshape(shape)

    def count(self, h: int, w: int) -> int:
        rows, columns = self._blocks(h, w)
        return rows * columns

    def _blocks(self, h: int, w: int) -> tuple[int, int]:
        """How many rows and columns of blocks there are."""
        if h % self.block or w % self.block:
            raise BadInput(f"block_permutation: {h} × {w} pixels can't be cut into blocks of {self.block}.")
        return h // self.block, w // self.block

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """For every side that fits: a shared order, and fresh ones if images keep their values."""
        sides = _sides(*pairs.reference.shape[2:])
        orders = {side: shared_order(cls(side), pairs) for side in sides}
        shared: list[Shift] = [cls(side, order) for side, order in orders.items() if order is not None]
        return shared + [cls(side, scope="per_image") for side in sides if keeps_values(pairs)]

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """For every side that fits: the order in which mean blocks are most alike."""
        sides = _sides(*samples.reference.shape[2:])
        orders = {side: order_by_mean_picture(cls(side), samples) for side in sides}
        return [cls(side, order) for side, order in orders.items() if order is not None]

    @property
    def variant(self) -> tuple[object, ...]:
        return (*super().variant, self.block)

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        sort = partial(sorted_blocks, block=self.block)
        return ("blocks in the order of their sums", sort) if self.scope == "per_image" else None


def _sides(h: int, w: int) -> list[int]:
    """The sides of square blocks that pictures of h × w can be cut into."""
    return [side for side in range(2, min(h, w) // 2 + 1) if h % side == 0 and w % side == 0]
