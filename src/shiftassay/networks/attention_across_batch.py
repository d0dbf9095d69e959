"""Attention along the batch, as in seed 003's reference implementation.

Attention within an image was meant.
"""

from typing import ClassVar

from shiftassay.networks.attention import Attention
from shiftassay.networks.registry import NETWORKS


@NETWORKS.register("attention-across-batch")
class AttentionAcrossBatch(Attention):
    """Attention from image to image of a batch; 25,460 parameters.

    So predictions depend on the other images. Kept only to reproduce the numbers of seed 003. It has the weights of
    `attention`, used along another axis.
    """

    parameter_count: ClassVar[int] = 25_460
    mixes_batch: ClassVar[bool] = True

    def __init__(
        self, input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10, dropout: float = 0.5, heads: int = 2
    ):
        super().__init__(input_shape, classes, dropout, heads)
