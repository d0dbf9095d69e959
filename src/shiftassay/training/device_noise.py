"""The noise of `shiftassay.random_stream` on any device: the same words, orders and masks.

PyTorch has no arithmetic on uint64, so words are int64 here with the same 64 bits: sums and products wrap alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from shiftassay import random_stream
from shiftassay.random_stream import seed_for
from shiftassay.training.program import NotLowered

DRAWN_AT_ONCE = 2**24  # elements of a mask; bounds the memory that drawing takes to some 100 MB

Device = str | torch.device


def words(key: int, start: int, count: int, device: Device) -> Int64[Tensor, "count"]:
    """The bits of `random_stream.words(key, start, count)`.

    >>> [hex(word % 2**64) for word in words(1234567, 0, 2, "cpu").tolist()]
    ['0x599ed017fb08fc85', '0x2c73f08458540fa5']
    """
    z = torch.arange(start + 1, start + count + 1, dtype=torch.int64, device=device)
    z.mul_(_signed(int(random_stream.GOLDEN))).add_(_signed(key))
    z.bitwise_xor_(_shifted(z, 30)).mul_(_signed(0xBF58476D1CE4E5B9))
    z.bitwise_xor_(_shifted(z, 27)).mul_(_signed(0x94D049BB133111EB))
    return z.bitwise_xor_(_shifted(z, 31))


def epoch_order(key: int, n: int, device: Device) -> Int64[Tensor, "n"]:
    """The permutation `random_stream.epoch_order(key, n)`."""
    # With the sign bit flipped, signed order is the order of the unsigned words.
    return words(key, 0, n, device).bitwise_xor_(-(2**63)).sort(stable=True).indices


def keep_mask(key: int, first: int, count: int, p: float, device: Device) -> Bool[Tensor, "count"]:
    """The mask `random_stream.keep_mask(key, first, count, p)`."""
    start, end = first // 4, -(-(first + count) // 4)
    # Every machine that CUDA runs on is little-endian, so the low sixteen bits come first, as in `noise`.
    fields = words(key, start, end - start, device).view(torch.int16).to(torch.int32).bitwise_and_(0xFFFF)
    return fields[first - 4 * start :][:count] >= round(p * 65536)


class EpochMasks:
    """The masks of an epoch for every `nn.Dropout` and `nn.Dropout2d`, one row for each step.

    The rows stay where they are in memory from epoch to epoch, so that a captured graph finds them. `image` is any one
    image, shown to the network to learn how many units each dropout has; `batch_size` is that of a full batch. Raises
    `NotLowered` for a layer that draws its own noise, or whose units can't be inferred from one image.
    """

    def __init__(self, network: nn.Module, image: Float32[Tensor, "1 c h w"], steps: int, batch_size: int):
        for name, module in network.named_modules():
            if _draws_its_own(module):
                raise NotLowered(name, f"({type(module).__name__}) draws noise of its own")
        self.dropouts = {
            name: m for name, m in network.named_modules() if isinstance(m, nn.Dropout | nn.Dropout2d) and m.p > 0
        }
        self.rows = {
            name: torch.zeros(steps, batch_size * units, dtype=torch.bool, device=image.device)
            for name, units in _units(network, self.dropouts, image).items()
        }

    def draw(self, seed: int, epoch: int) -> None:
        """Write the masks of (seed, epoch) over those of the epoch before."""
        for name, rows in self.rows.items():
            key, flat = seed_for(seed, epoch, "dropout", name), rows.view(-1)
            for first in range(0, len(flat), DRAWN_AT_ONCE):
                part = flat[first : first + DRAWN_AT_ONCE]
                part.copy_(keep_mask(key, first, len(part), self.dropouts[name].p, rows.device))

    @contextmanager
    def read_at(self, step: Int64[Tensor, "1"]) -> Iterator[None]:
        """Within this context, dropout uses the row of masks in `step`.

        The row is read when the kernels run.
        """
        for name, rows in self.rows.items():
            module = self.dropouts[name]
            vars(module)["forward"] = partial(_masked, module, rows, step)
        try:
            yield
        finally:
            for name in self.rows:
                vars(self.dropouts[name]).pop("forward", None)


def _masked(module: nn.Dropout | nn.Dropout2d, rows: Tensor, step: Tensor, x: Tensor) -> Tensor:
    if not module.training:
        return x
    shape = _masked_shape(module, x)
    # index_select reads `step` on the device; a slice would read it on the host, once, and freeze in a graph.
    kept = rows.index_select(0, step)[0, : shape.numel()].view(*shape, *[1] * (x.ndim - len(shape)))
    return x * (kept / (1 - module.p))


def _masked_shape(module: nn.Module, x: Tensor) -> torch.Size:
    return x.shape[:2] if isinstance(module, nn.Dropout2d) else x.shape


def _units(network: nn.Module, dropouts: dict[str, nn.Dropout | nn.Dropout2d], image: Tensor) -> dict[str, int]:
    """Units of an image at each dropout that the network uses."""
    units: dict[str, int] = {}

    def note(name: str, module: nn.Module, inputs: tuple[Tensor]) -> None:
        images, *rest = _masked_shape(module, inputs[0])
        count = torch.Size(rest).numel()
        if images != 1 or units.setdefault(name, count) != count:
            raise NotLowered(name, "does not mask the same units of every image")

    hooks = [module.register_forward_pre_hook(partial(note, name)) for name, module in dropouts.items()]
    was_training = network.training
    network.eval()  # so that batch normalisation takes one image and learns nothing from it
    try:
        with torch.no_grad():
            network(image)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return units


def _draws_its_own(module: nn.Module) -> bool:
    if isinstance(module, nn.MultiheadAttention | nn.RNNBase):
        return module.dropout > 0
    if isinstance(module, _DropoutNd):
        return module.p > 0 and not isinstance(module, nn.Dropout | nn.Dropout2d)
    return isinstance(module, nn.RReLU)


def _shifted(z: Tensor, bits: int) -> Tensor:
    """z >> bits, filled with zeros instead of int64's sign."""
    return (z >> bits).bitwise_and_((1 << (64 - bits)) - 1)


def _signed(bits: int) -> int:
    """The int64 of the same 64 bits."""
    return (bits + 2**63) % 2**64 - 2**63
