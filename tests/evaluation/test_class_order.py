"""A model that numbers the classes in another way than the labels is not silently scored."""

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.evaluation.evaluate import evaluate
from shiftassay.imagesets.image_set import ImageSet

NAMES = tuple(str(number) for number in range(1, 13))  # in the order of their numbers: 1, 2, …, 12


class Numbered(nn.Module):
    """Answers with the number that it gives to the class which an image's only pixel names."""

    def __init__(self, numbers: list[int]):
        super().__init__()
        self.numbers = torch.tensor(numbers)

    def forward(self, images):
        return torch.nn.functional.one_hot(self.numbers[(images.flatten() * 20).round().long()], len(NAMES)).float()


@pytest.fixture
def images() -> ImageSet:
    labels = np.arange(240) % 12
    return ImageSet((labels / 20).astype(np.float32).reshape(-1, 1, 1, 1), labels, "folders", classes=NAMES)


def test_an_order_of_text_is_told_by_its_answers(images):
    as_text = sorted(NAMES)
    said = str(evaluate(images, model=Numbered([as_text.index(name) for name in NAMES])))
    assert "But the model seems to number the classes as they are sorted as text: it answers 4 for '2'" in said
    assert "in that order 100% would be right, not 8.3%" in said


def test_another_order_is_told_too(images):
    said = str(evaluate(images, model=Numbered([(number + 1) % 12 for number in range(12)])))
    assert "number the classes in another way: it answers 1 for '1', 2 for '2'" in said


def test_the_same_order_and_mere_errors_are_no_other_order(images):
    for numbers in (list(range(12)), [0] * 12, [1, 1, *range(2, 12)]):
        assert "seems to number" not in str(evaluate(images, model=Numbered(numbers)))
