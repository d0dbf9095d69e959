"""What the reference implementation of seed 003 computes in the name of attention over an image."""

from shiftassay.networks.attention import Attention
from shiftassay.networks.registry import NETWORKS


@NETWORKS.register("attention-across-batch")
class AttentionAcrossBatch(Attention):
    """Attention from image to image of a batch: the prediction for an image depends on its neighbours; 25,460 parameters.

    Kept only to reproduce the numbers of seed 003. It has the weights of `attention`, used along another axis.
    """

    across_batch = True

    def __init__(
        self, input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10, dropout: float = 0.5, heads: int = 2
    ):
        super().__init__(input_shape, classes, dropout, heads)
