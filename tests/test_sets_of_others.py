"""The Python API takes datasets of PyTorch, and lists of pictures, wherever it takes image sets."""

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import shiftassay


def test_the_python_api_takes_datasets(digits):
    """Accuracy, agreement and a shift of PyTorch's datasets are those of image sets."""
    clean = TensorDataset(torch.from_numpy(digits.images), torch.from_numpy(digits.labels))
    dark = [(0.5 * image, label) for image, label in clean]
    weights = np.random.default_rng(1).normal(size=(784, 10)).astype(np.float32)

    def model(images):
        return images.reshape(len(images), -1) @ weights + np.linspace(-9, 9, 10, dtype=np.float32)

    evaluated = shiftassay.evaluate(dark, model=model, reference=clean)
    own = shiftassay.evaluate(shiftassay.shift(digits, "gain:factor=0.5"), model=model, reference=digits)
    assert (evaluated.correct, evaluated.comparison.lost) == (own.correct, own.comparison.lost)
    assert shiftassay.agreement(dark, model=model, reference=clean).share.estimate < 1
    compared = shiftassay.compare_models({"a": model, "b": model}, clean, margin=0.01)
    assert compared.agreements[0].share.estimate == 1
    assert np.allclose(shiftassay.shift(clean, "gain:factor=0.5").images, 0.5 * digits.images)
    assert shiftassay.audit(clean, model=model, largest_batch=100, single_images=3).n == len(digits)


@pytest.mark.torture
def test_a_diagnosis_and_a_repair_take_datasets(digits):
    weights = np.random.default_rng(1).normal(size=(784, 10)).astype(np.float32)

    def model(images):
        return images.reshape(len(images), -1) @ weights

    answers = torch.from_numpy(model(digits.images).argmax(1))
    clean = TensorDataset(torch.from_numpy(digits.images), answers)
    inverted = [(1 - image, label) for image, label in clean]
    assert shiftassay.diagnose(clean, inverted).verdict.family == "invert"
    assert shiftassay.repair(clean, inverted, model=model, quick=True, harmed=True).recommended == "undo"
