import pytest
import torch
from torch import nn

from shiftassay.models.large_batches import attention_in_parts, memory_needed
from shiftassay.networks.registry import build


@pytest.mark.parametrize("name", ["attention", "attention-across-batch"])
@pytest.mark.parametrize("at_once", [1000, 30_000])
def test_attention_in_parts_is_the_same_attention(name, at_once, digits, monkeypatch):
    torch.manual_seed(0)
    network, images = build(name, (1, 28, 28), 10, {}).eval(), torch.from_numpy(digits.images[:40])
    scores = []
    real = nn.functional.scaled_dot_product_attention
    with torch.no_grad():
        whole = network(images)
        monkeypatch.setattr(
            "shiftassay.models.large_batches.F.scaled_dot_product_attention",
            lambda q, k, v, *rest: scores.append(q.shape[:-1].numel() * k.shape[2]) or real(q, k, v, *rest),
        )
        with attention_in_parts(network, at_once):
            parts = network(images)
    assert torch.allclose(parts, whole, atol=1e-5)
    assert max(scores) <= at_once
    assert not any("forward" in vars(module) for module in network.modules())


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_it_takes_a_foreign_layer_with_weights_asked_for_and_leaves_masks_alone(batch_first, bias):
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(6, 3, bias=bias, batch_first=batch_first).eval()
    query, key = torch.randn(7, 5, 6), torch.randn(7, 5, 6)
    mask = torch.zeros(layer.num_heads * (7 if batch_first else 5), *([5, 5] if batch_first else [7, 7])).bool()
    whole, _ = layer(query, key, key)
    with attention_in_parts(layer, 10):
        parts, none = layer(query, key, key)
        masked, weights = layer(query, key, key, attn_mask=mask)
    assert none is None
    assert weights is not None
    assert torch.allclose(parts, whole, atol=1e-6)
    assert torch.allclose(masked, whole, atol=1e-6)


def test_memory_is_foreseen_to_grow_with_the_images_and_with_their_square_where_each_meets_each():
    class Pairs(nn.Module):
        def forward(self, images):
            flat = images.flatten(1)
            return flat @ flat.T

    images = torch.rand(64, 1, 4, 4)
    assert memory_needed(Pairs(), images, 10_000) == pytest.approx(3 * 4 * 10_000**2, rel=0.01)
    assert memory_needed(nn.Conv2d(1, 8, 1), images, 10_000) == pytest.approx(3 * 4 * 10_000 * 8 * 16, rel=0.01)


def test_attention_across_ten_thousand_images_is_foreseen_to_fit():
    assert memory_needed(build("attention-across-batch", (1, 28, 28), 10, {}), torch.rand(64, 1, 28, 28), 10_000) < 2e9
