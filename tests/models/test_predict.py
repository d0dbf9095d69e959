"""Asking a model: what comes back is its answer to each image, whatever kind of model it is."""

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.execution.threads import one_thread_each
from shiftassay.models import predict as room
from shiftassay.models.predict import NotFinite, aimed_at, copied, logits_of, predict


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))


@pytest.fixture
def images(rng):
    return rng.random((50, 1, 4, 4), np.float32)


@pytest.mark.parametrize(("precision", "digits"), [("half", 2e-3), ("bfloat16", 2e-2), ("double", 1e-6)])
def test_a_model_of_another_precision_is_given_its_own_and_answers_in_single(precision, digits, linear, images):
    expected = predict(images, model=linear)
    result = predict(images, model=getattr(copied(linear), precision)())
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=digits)


def test_gradients_pass_through_a_model_of_another_precision(linear, images):
    at = torch.from_numpy(images).requires_grad_()
    (expected,) = torch.autograd.grad(logits_of(at, model=linear)[:, 0].sum(), at)
    (result,) = torch.autograd.grad(logits_of(at, model=copied(linear).half())[:, 0].sum(), at)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, expected, atol=1e-3, rtol=0)


def test_images_stay_as_they_are_whatever_the_model_does_to_them(linear, images):
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = linear

        def forward(self, x):
            return self.inner(x.mul_(2))

    before = images.copy()
    expected = predict(2 * images, model=linear)
    np.testing.assert_array_equal(predict(images, model=InPlace()), expected)
    np.testing.assert_array_equal(images, before)
    at = torch.from_numpy(images).requires_grad_()
    assert logits_of(at, model=InPlace()).requires_grad


def test_answers_that_a_model_overwrites_are_kept(linear, images):
    class OneBuffer(nn.Module):
        buffer = torch.empty(10, 3)

        def forward(self, x):
            self.buffer[: len(x)] = linear(x)
            return self.buffer[: len(x)]

    np.testing.assert_array_equal(predict(images, model=OneBuffer(), batch=10), predict(images, model=linear, batch=10))


def test_what_a_model_keeps_from_one_question_may_be_differentiated_in_the_next(images):
    class Remembers(nn.Module):
        weights: torch.Tensor | None = None

        def forward(self, x):
            if self.weights is None:
                self.weights = torch.linspace(-1, 1, 48).reshape(16, 3)
            return x.flatten(1) @ self.weights

    model = Remembers()
    predict(images, model=model)
    at = torch.from_numpy(images).requires_grad_()
    assert logits_of(at, model=model).requires_grad


def test_the_mode_a_model_was_in_is_restored_even_when_it_fails(images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 3)).train()
    with pytest.raises(BadInput, match=r"can't take images of \(1, 4, 4\), float32"):
        predict(images, model=model)
    assert model.training


def test_numbers_of_logits_that_differ_between_batches_are_refused(linear, images):
    class Varies(nn.Module):
        def forward(self, x):
            return linear(x)[:, : 2 + (len(x) == 20)]

    with pytest.raises(BadInput, match="2 and 3 logits for images of one set"):
        predict(images, model=Varies(), batch=20)


def test_answers_that_are_not_numbers_are_refused_by_name_unless_they_are_asked_for(linear, images):
    images[7, 0, 0, 0] = np.inf
    with pytest.raises(
        NotFinite, match="mine: the model's output is NaN or infinite for 1 of 50 images, the first is image 7"
    ):
        predict(images, model=linear, name="mine")
    assert not np.isfinite(predict(images, model=linear, finite=False)[7]).any()


def test_an_interrupt_passes_through_a_models_code(images):
    class Stopped(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(images, model=Stopped())


def test_an_attack_asks_in_evaluation_mode(linear, images):
    model = nn.Sequential(nn.Dropout(0.9), linear).train()
    torch.testing.assert_close(
        aimed_at(model)(torch.from_numpy(images)), logits_of(torch.from_numpy(images), model=linear)
    )


def test_shared_out_among_processes_the_answers_are_the_same(linear, images, monkeypatch):
    expected = predict(images, model=linear, batch=5)
    monkeypatch.setattr(room, "WORTH_SHARING", 0.0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread_each():
            result = predict(images, model=linear, batch=5)
    finally:
        torch.set_num_threads(before)
    assert result.tobytes() == expected.tobytes()
