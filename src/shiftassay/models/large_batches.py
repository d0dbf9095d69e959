"""Batches far larger than a model was made for: attention in parts, memory estimated."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from shiftassay.imagesets.limits import available_memory

AT_ONCE = 2**26  # attention scores: 256 MB in float32


@contextmanager
def attention_in_parts(model: nn.Module, at_once: int = AT_ONCE) -> Iterator[None]:
    """Within this context, attention holds about `at_once` scores at a time at most.

    That is every `nn.MultiheadAttention` of the model. Attention of 10,000 tokens to each other, at 144 positions with
    two heads, has 29 thousand million scores, 115 GB. Sequences do not see each other, and a softmax runs over the
    keys, so a few sequences at a time, and of one sequence a few queries at a time, give the same answer but for
    rounding. What would not fit is returned without attention weights (None), even to a model that asks for them;
    masks, and what fits anyway, go the usual way.
    """
    modules = [module for module in model.modules() if isinstance(module, nn.MultiheadAttention)]
    before = [vars(module).get("forward") for module in modules]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it would go round the modules' forward
    for module in modules:
        vars(module)["forward"] = partial(_attend, module, module.forward, at_once)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, forward in zip(modules, before, strict=True):
            del vars(module)["forward"]
            if forward is not None:
                vars(module)["forward"] = forward


def memory_needed(model: nn.Module, images: Tensor, n: int) -> int:
    """About how many bytes the model needs for n images at once.

    Estimated from its operations on 32 and on 64 of these images. Three times the largest tensor, which grows with a
    power of n that is estimated for each kind of operation.
    """
    small, large = (_largest(model, images[:size].contiguous()) for size in (len(images) // 2, len(images)))
    needed = 0.0
    for operation, size in large.items():
        power = math.log2(size / small[operation]) if small.get(operation) else 1.0
        needed = max(needed, size * (n / len(images)) ** min(max(power, 0.0), 3.0))
    return int(3 * needed)


def memory_available(device: str) -> int | None:
    """Bytes available on a device; None where the system does not say."""
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0]
    return available_memory()


def _attend(
    module: nn.MultiheadAttention,
    usual: Any,
    at_once: int,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *arguments: Any,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    masked = any(option is not None for option in arguments[:1] + arguments[2:3]) or any(
        options.get(name) is not None for name in ("key_padding_mask", "attn_mask")
    )
    heads, tokens = module.num_heads, 1 if module.batch_first else 0
    keys = key.shape[tokens] if key.ndim == 3 else 0
    if masked or not _is_plain(module) or query.shape[:-1].numel() * heads * keys <= at_once:
        return usual(query, key, value, *arguments, **options)
    weights = module.in_proj_weight.chunk(3)
    biases = (None, None, None) if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
    q, k, v = (  # (sequences, heads, tokens, features of a head)
        F.linear(x if module.batch_first else x.transpose(0, 1), weight, bias)
        .unflatten(-1, (heads, -1))
        .transpose(1, 2)
        for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
    )
    rows = min(q.shape[2], max(1, at_once // (heads * keys)))
    together = max(1, at_once // (heads * keys * rows))
    attended = torch.empty_like(q)
    for first in range(0, len(q), together):
        some = slice(first, first + together)
        for row in range(0, q.shape[2], rows):
            attended[some, :, row : row + rows] = F.scaled_dot_product_attention(
                q[some, :, row : row + rows], k[some], v[some]
            )
    answer = module.out_proj(attended.transpose(1, 2).flatten(2))
    return (answer if module.batch_first else answer.transpose(0, 1)), None


def _is_plain(module: nn.MultiheadAttention) -> bool:
    draws = module.dropout > 0 and module.training
    return not draws and module.in_proj_weight is not None and module.bias_k is None and not module.add_zero_attn


def _largest(model: nn.Module, images: Tensor) -> dict[str, int]:
    with torch.no_grad(), attention_in_parts(model, 2**16), _Sizes() as sizes:
        model(images)
    return sizes.largest


class _Sizes(TorchDispatchMode):
    """Notes the bytes of the largest result of each kind of operation."""

    def __init__(self) -> None:
        super().__init__()
        self.largest: dict[str, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.untyped_storage().nbytes() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.largest[str(func)] = max([self.largest.get(str(func), 0), *sizes])
        return result
