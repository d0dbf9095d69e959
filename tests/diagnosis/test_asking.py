"""What a model is asked, and what a diagnosis says of one that can't answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.diagnosis.asking import ask, log_odds, log_odds_gradient
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet


class Linear(nn.Module):
    """Two classes whose log-odds are the sum of the pixels."""

    def forward(self, images):
        total = images.flatten(1).sum(1)
        return torch.stack([torch.zeros_like(total), total], 1)


class Rounding(Linear):
    """The same without a gradient."""

    def forward(self, images):
        return super().forward(images).detach()


@pytest.fixture
def images(rng):
    return ImageSet(rng.random((60, 1, 4, 4), np.float32), rng.integers(0, 2, 60), "images")


def test_log_odds_and_their_gradient_are_those_of_a_linear_model(images):
    ones = np.ones(60, np.int64)
    totals = images.images.sum((1, 2, 3))
    assert np.allclose(log_odds(Linear(), images.images, ones), -totals, atol=1e-4)
    assert np.allclose(log_odds_gradient(Linear(), images.images, ones), -1, atol=1e-4)


def test_a_model_without_a_gradient_still_answers(images):
    answers = ask(Rounding(), images, images, 0, "cpu")
    assert answers.logits is not None
    assert "whether the change was aimed at the model" in answers.notes[0]
    assert ask(Linear(), images, images, 0, "cpu").notes == ()


def test_labels_that_the_model_has_no_output_for(images):
    odd = replace(images, labels=images.labels + 5, name="odd")
    answers = ask(Linear(), images, odd, 0, "cpu")
    assert answers.logits is None
    assert "its accuracy is not measured" in answers.notes[-1]
    with pytest.raises(BadInput, match="odd"):
        ask(Linear(), odd, images, 0, "cpu")
