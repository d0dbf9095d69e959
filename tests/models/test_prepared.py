import copy

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.models.predict import predict
from shiftassay.models.prepared import Prepared, module_of
from shiftassay.models.takes import Takes


@pytest.fixture
def images():
    return np.random.default_rng(0).random((7, 3, 4, 4), np.float32)


def test_a_function_is_given_arrays_as_it_wants_them(images):
    shown = []

    def brightness(array):
        shown.append(array)
        return [[-row.mean(), row.mean()] for row in array]  # a list of rows will do

    answers = predict(images, model=module_of(brightness, "nhwc,0:255"))
    np.testing.assert_allclose(answers[:, 1], 255 * images.mean((1, 2, 3)), rtol=1e-5)
    assert shown[0].shape == (7, 4, 4, 3)
    assert shown[0].dtype == np.float32


def test_a_function_is_a_model_wherever_one_is_wanted(images):
    answers = predict(images, model=lambda array: np.stack([array.mean((1, 2, 3)), array[:, 0].mean((1, 2))], 1))
    np.testing.assert_allclose(answers[:, 0], images.mean((1, 2, 3)), rtol=1e-5)


def test_probabilities_are_answered_as_their_logarithms(images):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    logits = predict(images, model=linear)
    answers = predict(images, model=module_of(nn.Sequential(linear, nn.Softmax(1)), "probabilities"))
    np.testing.assert_allclose(answers, logits - np.logaddexp.reduce(logits, 1, keepdims=True), atol=1e-5)


def test_one_probability_is_that_of_the_second_class(images):
    answers = predict(images, model=module_of(lambda array: np.full((len(array), 1), 0.8), "probabilities"))
    np.testing.assert_allclose(np.exp(answers), np.tile([0.2, 0.8], (7, 1)), rtol=1e-5)


def test_a_model_of_one_batch_size_is_shown_such(images):
    sizes = []

    class OneSize(nn.Module):
        def forward(self, batch):
            sizes.append(len(batch))
            return batch.flatten(1)[:, :5]

    takes = Takes(layout="nchw", black=(0.0,), white=(1.0,), batch=4)
    np.testing.assert_array_equal(predict(images, model=Prepared(OneSize(), takes)), images.reshape(7, -1)[:, :5])
    assert sizes == [4, 4]


def test_gradients_pass_through_the_preparation(images):
    at = torch.from_numpy(images).requires_grad_()
    linear = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    module_of(linear, "flat-hwc,0:255,bgr")(at).sum().backward()
    assert at.grad is not None
    weights = linear[1].weight.detach().sum(0).view(4, 4, 3).permute(2, 0, 1).flip(0)
    torch.testing.assert_close(at.grad[0], 255 * weights)


def test_what_can_not_be_copied_in_a_function_is_shared(images):
    class Held:
        def __deepcopy__(self, memo):
            raise TypeError

        def __call__(self, array):
            return np.zeros((len(array), 2))

    assert copy.deepcopy(module_of(Held()))(torch.from_numpy(images)).shape == (7, 2)


@pytest.mark.parametrize("model", [3, "model", nn.Linear])
def test_what_is_no_model_is_refused(model, images):
    with pytest.raises(BadInput, match=r"expected an nn.Module or a function of images, found (int|str|type)"):
        predict(images, model=model)


def test_answers_that_are_no_numbers_are_refused(images):
    with pytest.raises(BadInput, match=r"no array of .images, classes. but of type list"):
        predict(images, model=lambda array: ["cat"] * len(array))
