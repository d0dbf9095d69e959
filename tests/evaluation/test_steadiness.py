import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.evaluation.steadiness import steadiness

IMAGES = np.random.default_rng(0).random((40, 1, 4, 4), np.float32)


class Forgotten(nn.Module):
    """A model whose `eval` does nothing."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), *layers, nn.Linear(8, 3))

    def train(self, mode=True):
        return super().train(True)

    def forward(self, images):
        return self.layers(images)


@pytest.mark.parametrize(
    ("layers", "draws", "mixes", "hint"),
    [
        ([nn.Dropout(0.5)], True, False, "Is dropout left on?"),
        ([nn.BatchNorm1d(8)], False, True, "Is batch normalization left in training mode?"),
        ([nn.ReLU()], False, False, ""),
    ],
    ids=["dropout", "batch normalization", "steady"],
)
def test_what_was_left_in_training_mode_is_seen(layers, draws, mixes, hint):
    torch.manual_seed(0)
    steady = steadiness(Forgotten(*layers), IMAGES)
    assert (steady.draws, steady.mixes) == (draws, mixes)
    assert hint in steady.sentence
    assert bool(steady.sentence) == bool(hint)


def test_a_usual_model_is_steady_though_it_is_given_in_training_mode():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3)).train()
    assert steadiness(model, IMAGES).sentence == ""
    assert model.training
