"""A model behind the preparation of its images, and any callable as one."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.model import Model
from shiftassay.models.takes import Takes

SMALLEST = 1e-30  # a probability below is taken for this: its logarithm is finite in single precision


class Prepared(nn.Module):
    """Images (black 0, white 1) prepared as a model takes them, then the model.

    A model that takes only batches of one size is shown such, the last one filled up with its last image.
    Probabilities become their logarithms; a single one, of the second class, becomes two.
    """

    def __init__(self, model: nn.Module, takes: Takes, name: str = "the model"):
        super().__init__()
        self.model = model
        self.takes = takes
        self.name = name

    @property
    def prefix(self) -> str:
        """What the names of its weights begin with, before what their owner calls them."""
        return f"model.{getattr(self.model, 'prefix', '')}"

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        self.takes.check(images.shape[1:], self.name)
        images = self.takes.prepared(images)
        batch = self.takes.batch
        answers = self.model(images) if batch is None else _in_batches(self.model, images, batch)
        return _logarithms(answers) if self.takes.probabilities else answers


class CallableModule(nn.Module):
    """A callable on NumPy arrays as a module: it is asked, and has no gradient."""

    def __init__(self, function: Model):
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        answer: Any = self.function(images.detach().cpu().numpy())
        if isinstance(answer, Tensor):
            return answer.detach().to(images.device)
        array = np.asarray(answer)
        if array.dtype.kind not in "fiub":
            raise BadInput(
                f"the model's output is no array of (images, classes) but of type {type(answer).__name__}. It must "
                "return a row for each image, in their order, with one logit for each class."
            )
        return torch.from_numpy(np.array(array)).to(images.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> "CallableModule":
        return CallableModule(self.function)  # what a callable holds may not be copied, and nothing here changes it


def module_of(model: Model, takes: str | None = None, name: str = "the model") -> nn.Module:
    """Any model as a module from images (black 0, white 1) to logits.

    An `nn.Module` is returned as it is, unless `takes` says how it wants its images; any other callable is given NumPy
    arrays, (n, c, h, w) of float32 from 0 to 1 unless `takes` says otherwise. `takes` are words with commas between
    them, as in "nhwc,0:255,bgr,probabilities". Raises `BadInput` for what can't be called, and for other words.

    >>> dark_or_bright = module_of(lambda rows: np.stack([0.5 - rows[:, 0], rows[:, 0] - 0.5], 1), "flat")
    >>> dark_or_bright(torch.ones(2, 1, 1, 1)).tolist()
    [[-0.5, 0.5], [-0.5, 0.5]]
    """
    if isinstance(model, nn.Module) and takes is None:
        return model
    if isinstance(model, type) or not callable(model):
        raise BadInput(f"model: expected an nn.Module or a function of images, found {type(model).__name__}.")
    wanted = Takes(layout="nchw", black=(0.0,), white=(1.0,)).stated(takes, name)
    return Prepared(model if isinstance(model, nn.Module) else CallableModule(model), wanted, name)


def _in_batches(model: nn.Module, images: Tensor, batch: int) -> Tensor:
    n = len(images)
    filled = torch.cat([images, images[-1:].expand(-n % batch, *images.shape[1:])])
    return torch.cat([model(part) for part in filled.split(batch)])[:n]


def _logarithms(probabilities: Tensor) -> Tensor:
    if probabilities.ndim == 2 and probabilities.shape[1] == 1:
        probabilities = torch.cat([1 - probabilities, probabilities], 1)
    return probabilities.float().clamp_min(SMALLEST).log()
