"""Asking a model: the only place where one is called, so that all answers are checked."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from math import prod
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.execution.mapping import Count, mapped
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.left_out import Region, leaving_out
from shiftassay.model import Model
from shiftassay.models.prepared import module_of
from shiftassay.models.remembered import LARGE, remembered_of
from shiftassay.progress import Watch, unwatched

BATCH = 1000
VALUES = 1 << 20  # in a batch at most: with more, a network's layers fit no cache, and it is three times slower
ASKING = "asking the model"  # in batches: what a `Watch` is told
WORTH_SHARING = 0.5  # seconds of work, from which on other processes are worth their start
LONGEST_MESSAGE = 200  # characters of what a user's own code says when it fails

Kind = TypeVar("Kind", bound=nn.Module)


class NotFinite(BadInput):
    """Answers that are none: NaN or infinite logits have no most likely class."""


def predict(
    images: Float32[np.ndarray, "n c h w"],
    *,
    model: Model,
    device: str = "cpu",
    batch: int | None = None,
    leave_out: Sequence[Region] = (),
    name: str = "",
    finite: bool = True,
    watch: Watch = unwatched,
) -> Float32[np.ndarray, "n classes"]:
    """The model's logits, in evaluation mode, whatever its mode was before.

    A model is an `nn.Module`, or any function of NumPy arrays (see `model.Model`). Dropout is off, and statistics are
    fixed. Images are shown in their order, `batch` at a time, by default as many as are fast (see `batch_of`): a number
    that matters only to models that mix the images of a batch. In the regions to `leave_out`, the images' mean grey is
    shown (see `leaving_out`). Raises `BadInput` as `logits_of` does, and for answers that are not finite unless
    `finite` is False; `name` is what the images are called there. `watch` is told how many batches are answered.

    >>> class Bright(nn.Module):
    ...     def forward(self, images):
    ...         return torch.stack([0.5 - images.flatten(), images.flatten() - 0.5], dim=1)
    >>> predict(np.ones((3, 1, 1, 1), np.float32), model=Bright())[:, 1].tolist()
    [0.5, 0.5, 0.5]
    """
    model = module_of(model)
    if len(leave_out):
        images = leaving_out(ImageSet(images), leave_out).images
    asked = partial(_predicted, model=model, device=device, batch=batch or batch_of(images.shape[1:]), watch=watch)
    remembered = remembered_of(model, images) if batch is None else None
    logits = asked(images) if remembered is None else remembered.answers(images, asked)
    if finite:
        check_finite(logits, name)
    return logits


def _predicted(
    images: Float32[np.ndarray, "n c h w"], model: nn.Module, device: str, batch: int, watch: Watch
) -> Float32[np.ndarray, "n classes"]:
    parts = [images[start : start + batch] for start in range(0, max(len(images), 1), batch)]
    with answering(model, device):
        layout = _layout(parts[0], model, device)
        answers = _answers(partial(_ask, model=model, device=device, layout=layout), parts, partial(watch, ASKING))
    if len(classes := {answer.shape[1] for answer in answers}) > 1:
        raise BadInput(
            f"the model gives {' and '.join(map(str, sorted(classes)))} logits for images of one set. "
            "It must return one for each class, whatever the images."
        )
    return np.concatenate(answers)


def _layout(part: np.ndarray, model: nn.Module, device: str) -> torch.memory_format:
    """How the values of images are laid out in memory.

    Channels last where convolutions take large images so, which are then faster by a third on a processor. Not where
    the model's code depends on the usual layout.
    """
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    if device == "cpu" and convolves and part.shape[1] > 1 and part[:1].size >= LARGE:
        with suppress(BadInput):
            _ask(part[:1], model, device, torch.channels_last)
            return torch.channels_last
    return torch.contiguous_format


def batch_of(shape: Sequence[int], most: int = BATCH) -> int:
    """How many images of (channels, height, width) a model is shown at a time: fewer of large ones.

    >>> batch_of((1, 28, 28)), batch_of((3, 224, 224))
    (1000, 6)
    """
    return max(1, min(most, VALUES // max(1, prod(shape))))


def logits_of(
    images: Float[Tensor, "n c h w"], *, model: Callable[[Tensor], Tensor], precision: torch.dtype = torch.float32
) -> Float[Tensor, "n classes"]:
    """A model's answers in its present mode; gradients pass through.

    Images and model must be on one device. Images are given in the precision of the model's own numbers, as a copy that
    it may change; answers of any kind of real number become those of `precision`. Raises `BadInput` if the model's code
    raises or exits, and for anything but one row of at least two real numbers for each image.

    >>> logits_of(torch.ones(5, 1, 2, 2), model=nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).half()).dtype
    torch.float32
    >>> logits_of(torch.ones(5, 1, 2, 2), model=lambda images: images.flatten(1)[:-1])
    Traceback (most recent call last):
    shiftassay.errors.BadInput: the model gives 4 answers for 5 images. It must return a row for each image, ...
    """
    own = precision_of(model)
    with as_bad_input(f"the model can't take images of {tuple(images.shape[1:])}, {str(own).removeprefix('torch.')}"):
        answer = model(images.to(own, copy=True))
        _check(answer, len(images))
        return answer.to(precision, copy=True)


@contextmanager
def as_bad_input(what: str) -> Iterator[None]:
    """Within it, whatever a user's own code raises becomes a `BadInput`.

    So does an exit. The message begins with `what`.
    """
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # a user's own code may raise anything, or exit
        raise BadInput(
            f"{what} ({reason(error)}). Give it images of the size and type that it was built for, or mend its code."
        ) from None


def reason(error: BaseException) -> str:
    """What an error says, on one line.

    >>> reason(AssertionError()), reason(ValueError("no\\nway")), reason(SystemExit(0))
    ('AssertionError', 'ValueError: no way', 'it exits: 0')
    """
    try:
        text = " ".join(str(error).split())[:LONGEST_MESSAGE]
    except Exception:  # str() of a user's own exception may fail as well
        text = ""
    if isinstance(error, BadInput):
        return text
    kind = "it exits" if isinstance(error, SystemExit) else type(error).__name__
    return f"{kind}: {text}" if text else kind


def copied(model: Kind) -> Kind:
    """A copy of a model that may be changed. Raises `BadInput` if it can't be copied."""
    try:
        return copy.deepcopy(model)
    except (Exception, SystemExit) as error:  # copying runs a user's own code
        raise BadInput(
            f"the model can't be copied, and this works on a copy ({reason(error)}). Give it parameters that are "
            "leaves, with nothing in it that copy.deepcopy refuses."
        ) from None


@contextmanager
def answering(model: nn.Module, device: str = "cpu") -> Iterator[None]:
    """The model in evaluation mode on a device, then in its former mode again.

    Raises `BadInput`.
    """
    was_training = model.training
    with as_bad_input(f"the model can't be put into evaluation mode on {device}"):
        model.eval().to(device)
    try:
        yield
    finally:
        model.train(was_training)


def aimed_at(model: nn.Module, device: str = "cpu") -> Callable[[Tensor], Tensor]:
    """The model for an attack: in evaluation mode on a device, with gradients.

    Answers come back to where the images are.
    """
    with as_bad_input(f"the model can't be put into evaluation mode on {device}"):
        model.eval().to(device)
    return lambda images: logits_of(images.to(device), model=model).to(images.device)


def check_finite(logits: Float[np.ndarray, "n classes"], name: str = "") -> None:
    """Raise `NotFinite` for logits that are NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(bad):
        raise NotFinite(
            f"{name}{': ' * bool(name)}the model's output is NaN or infinite for {len(bad)} of {len(logits)} images, "
            f"the first is image {bad[0]}. Check its weights, and that the images are finite."
        )


def labels_of(logits: Float[np.ndarray, "n classes"]) -> Int64[np.ndarray, "n"]:
    """The most likely class of each image."""
    return logits.argmax(axis=1)


@torch.no_grad()
def _ask(part: np.ndarray, model: nn.Module, device: str, layout: torch.memory_format) -> np.ndarray:
    images = torch.from_numpy(part).to(device).contiguous(memory_format=layout)
    return logits_of(images, model=model).cpu().numpy()


def _answers(ask: Callable[[np.ndarray], np.ndarray], parts: list[np.ndarray], count: Count) -> list[np.ndarray]:
    """The answers to every part.

    Several processes are used where that takes long and operations have one thread each.
    """
    began = perf_counter()
    first = ask(parts[0])
    count(1, len(parts))
    long = (perf_counter() - began) * (len(parts) - 1) > WORTH_SHARING
    if not long:
        return [first, *map(ask, parts[1:])]
    return [first, *mapped(ask, parts[1:], lambda done, _: count(1 + done, len(parts)))]


def precision_of(model: Callable[[Tensor], Tensor]) -> torch.dtype:
    """The precision of the model's first floating-point numbers.

    Those that it learned or, without any, its buffers.
    """
    if not isinstance(model, nn.Module):
        return torch.float32
    dtypes = (tensor.dtype for tensors in (model.parameters(), model.buffers()) for tensor in tensors)
    return next((dtype for dtype in dtypes if dtype.is_floating_point), torch.float32)


def _check(answer: object, n: int) -> None:
    what = "It must return a row for each image, in their order, with one logit for each class."
    if not isinstance(answer, Tensor):
        kind = type(answer).__name__
        raise BadInput(f"the model's output is no tensor of (images, classes) but of type {kind}. {what}")
    if answer.ndim != 2:
        raise BadInput(
            f"the model's output is no tensor of (images, classes) but of shape {tuple(answer.shape)}. {what}"
        )
    if len(answer) != n:
        raise BadInput(f"the model gives {len(answer):,} answers for {n:,} images. {what}")
    if answer.shape[1] < 2:
        raise BadInput(
            f"the model gives {answer.shape[1]} logits for each image, and a classifier needs one for each class, two "
            "at least. Where its one output is the log-odds x of the second class, return torch.cat([-x, x], 1)."
        )
    if answer.is_complex():
        raise BadInput("the model's output is complex, and complex numbers have no largest. Return real logits.")
