"""The border: what callers are told when they get it wrong."""

import numpy as np
import pytest
from torch import nn

from shiftassay.kernels import native
from shiftassay.training.lowering import lower


@pytest.fixture
def program() -> native.Program:
    return lower(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), (1, 2, 2)).compile()


def train(program: native.Program, images=None, labels=(0, 1, 2), order=(0, 1, 2), parameters=15, steps=1) -> None:
    images = np.zeros((3, 1, 2, 2), np.float32) if images is None else images
    rates = np.full(steps, 0.1, np.float32)
    flat = np.zeros(parameters, np.float32)
    program.train(native.Pixels(images), np.array(labels), np.array(order), flat, native.Optimizer(), rates, batch=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"labels": (0, 1, 3)}, "labels: expected numbers from 0 to 2, got 0 to 3"),
        ({"order": (0, 3, 1)}, "order: expected numbers from 0 to 2, got 0 to 3"),
        ({"parameters": 14}, r"parameters: expected 15 contiguous float32, got float32 \(14,\)"),
        ({"images": np.zeros((3, 1, 2, 2))}, "expected contiguous uint8 or float32 images, got float64"),
        ({"images": np.zeros((3, 1, 3, 2), np.float32)}, "expected images of 4 numbers"),
        ({"steps": 3}, "3 images hold no 3 steps of 2"),
    ],
)
def test_wrong_arguments_are_named(program, wrong, message):
    with pytest.raises(ValueError, match=message):
        train(program, **wrong)


def test_right_arguments_pass(program):
    train(program, steps=2)


def test_missing_key_is_named():
    program = lower(nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 3)), (1, 2, 2)).compile()
    with pytest.raises(ValueError, match="expected a key for each of 1 dropout layers, got 0"):
        train(program)


def test_without_a_portable_build_nothing_is_available(monkeypatch):
    monkeypatch.setattr(native, "_load", lambda build: None)
    native.builds.cache_clear()
    assert not native.available()
    monkeypatch.undo()
    native.builds.cache_clear()
    assert native.available()
