"""What a model does that it should not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import JsonValue
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.evaluation.answers import (
    Check,
    Difference,
    NotMeasured,
    ask,
    difference,
    log_probabilities,
    tolerance,
)
from shiftassay.evaluation.batches import BATCH, check_batches
from shiftassay.evaluation.gradients import check_parameters
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.items import ImageSource
from shiftassay.imagesets.items import image_set as as_image_set
from shiftassay.imagesets.labels import check_range
from shiftassay.imagesets.left_out import Region, leaving_out
from shiftassay.model import Model
from shiftassay.models.predict import as_bad_input, copied, predict
from shiftassay.models.prepared import module_of
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.records import Record
from shiftassay.words.html import html_table
from shiftassay.words.lists import first_of, listed
from shiftassay.words.numbers import minus, percent
from shiftassay.words.text import short

CERTAIN = 0.999
CERTAIN_BUT_WRONG = 0.1  # the share of mistakes made with such certainty that is worth a finding
SUSPICIOUS_GAIN = 0.01  # by which training mode may be better than evaluation mode


@dataclass(frozen=True)
class Audit(Record):
    """The checks of one model on one image set.

    Parameters, batch, order, modes, determinism, outputs, saturation.
    """

    images: str
    n: int
    checks: tuple[Check, ...]

    def __getitem__(self, name: str) -> Check:
        """The check of that name."""
        return next(check for check in self.checks if check.name == name)

    @property
    def findings(self) -> tuple[str, ...]:
        """The names of the checks that found something."""
        return tuple(check.name for check in self.checks if check.verdict == "found")

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))

    def __repr__(self) -> str:
        return f"<Audit on {self.n:,} images, {short(self.images)}; found: {listed(self.findings) or 'nothing'}>"

    def _repr_html_(self) -> str:
        rows = [(check.name, check.verdict, check.sentence) for check in self.checks]
        return html_table(("check", "verdict", "what was measured"), rows)


def audit(
    image_set: ImageSource,
    *,
    model: Model,
    largest_batch: int = 10_000,
    single_images: int = 1000,
    leave_out: Sequence[Region] = (),
    seed: int = 0,
    device: str = "cpu",
) -> Audit:
    """Measure what a model does that it should not; without labels, all but the accuracies.

    `largest_batch` is the size of the largest batch that is tried, `single_images` the number of images that are also
    shown one at a time. In the regions to `leave_out`, the model is shown the mean grey (see `leaving_out`).
    The audit works on a copy: the model's mode, gradients, statistics and device, and PyTorch's random numbers, stay as
    they were. Raises `BadInput` if the images do not fit the model, or it can't be copied.

    >>> class Relative(nn.Module):  # an image is of class 1 if it is brighter than the mean of its batch
    ...     def forward(self, images):
    ...         bright = images.flatten(1).mean(1)
    ...         return torch.stack([bright.mean() - bright, bright - bright.mean()], dim=1)
    >>> images = np.linspace(0, 1, 200, dtype=np.float32).reshape(200, 1, 1, 1)
    >>> result = audit(ImageSet(images, (images.ravel() > 0.5).astype(np.int64)), model=Relative())
    >>> result.findings, result["batch"].numbers["shown"][-1]["accuracy"]
    (('batch', 'order'), 0.5)
    """
    model = module_of(model)
    image_set = leaving_out(as_image_set(image_set), leave_out)
    order, other = (epoch_order(seed_for(seed, "audit", name), len(image_set)) for name in ("order", "other order"))
    with _untouched(model, device, seed) as own:
        # This raises where the images do not fit the model.
        sample = predict(image_set.images[order[:BATCH]], model=own, device=device, finite=False)
        if image_set.labels is not None:
            check_range(image_set.labels, sample.shape[1], image_set.name)
        parameters = check_parameters(own, image_set, order, device)
        before = {name: tensor.clone() for name, tensor in own.state_dict().items()}
        base, again = (_answers(own, image_set, order, device) for _ in range(2))
        moved = [name for name, tensor in own.state_dict().items() if not _same(tensor, before[name])]
        repeat = difference(base, again)
        batch, other_order = check_batches(
            own, image_set, base, repeat, order, other, largest_batch, single_images, device
        )
        modes = _check_modes(model, own, image_set, base, moved, order, device)
    return Audit(
        images=image_set.name,
        n=len(image_set),
        checks=(
            parameters,
            batch,
            other_order,
            modes,
            _check_determinism(base, again, repeat),
            _check_outputs(base),
            _check_saturation(base, image_set.labels),
        ),
    )


@contextmanager
def _untouched(model: nn.Module, device: str, seed: int) -> Iterator[nn.Module]:
    """A copy in evaluation mode on the device, among random numbers of its own."""
    own = copied(model)
    devices = [torch.cuda.current_device()] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed_for(seed, "audit"))
        with as_bad_input(f"the model can't be put into evaluation mode on {device}"):
            own.eval().to(device)
        yield own


def _answers(model: nn.Module, image_set: ImageSet, order: np.ndarray, device: str) -> np.ndarray:
    """The answers in the set's order to images shown in batches of 64 in another."""
    try:
        shown = ask(model, image_set.images, order, BATCH, device)
    except NotMeasured as error:
        raise BadInput(f"the model fails on {image_set.name} in batches of {BATCH} ({error}).") from None
    return shown[np.argsort(order)]


def _same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.shape == second.shape and bool(((first == second) | ((first != first) & (second != second))).all())


def _check_modes(
    original: nn.Module,
    model: nn.Module,
    image_set: ImageSet,
    base: np.ndarray,
    moved: list[str],
    order: np.ndarray,
    device: str,
) -> Check:
    stuck = [name or "the model" for name, module in model.named_modules() if module.training]
    left_in_training = [name for name, module in original.named_modules() if module.training and not original.training]
    numbers = {"stuck_in_training": stuck, "left_in_training": left_in_training, "moved_in_evaluation": moved}
    try:
        with as_bad_input("the model can't be put into training mode"):
            trained = copied(model).train()
        first, second = (_answers(trained, image_set, order, device) for _ in range(2))
    except BadInput as error:
        return Check("modes", "not measured", f"Training mode: {error}", numbers)
    change, noise = difference(base, first), difference(first, second)
    numbers |= {"changed": change.changed, "largest": change.largest, "training_repeats": noise.largest == 0}
    text = f"Training mode changes {change.changed:,} of {len(base):,} labels"
    gain = 0.0
    if image_set.labels is not None:
        accuracies = [float((logits.argmax(1) == image_set.labels).mean()) for logits in (base, first)]
        numbers |= {"evaluation_accuracy": accuracies[0], "training_accuracy": accuracies[1]}
        text += f" (accuracy {percent(accuracies[0], 2)} in evaluation, {percent(accuracies[1], 2)} in training mode)"
        gain = accuracies[1] - accuracies[0]
    text += ", and does not draw at random." if noise.largest == 0 else ", and draws anew each time."
    for names, what in [
        (stuck, "still in training mode after eval()"),
        (left_in_training, "given in training mode inside a model in evaluation mode"),
        (moved, "changed by mere evaluation"),
    ]:
        if names:
            text += f" {what.capitalize()}: {first_of(names)}."
    if gain > SUSPICIOUS_GAIN:
        text += " It is better in training mode: do its running statistics fit these images?"
    return Check(
        "modes", "found" if stuck or left_in_training or moved or gain > SUSPICIOUS_GAIN else "ok", text, numbers
    )


def _check_determinism(base: np.ndarray, again: np.ndarray, repeat: Difference) -> Check:
    equal = base.tobytes() == again.tobytes()
    numbers = {"bits_equal": equal, "changed": repeat.changed, "largest": repeat.largest, "tolerance": tolerance(base)}
    if equal:
        return Check("determinism", "ok", "Asked twice, it answers alike to the last bit.", numbers)
    if repeat.largest <= tolerance(base) and not repeat.changed:
        sentence = f"Asked twice, its answers differ by rounding only, at most {repeat.largest:.1g}."
        return Check("determinism", "ok", sentence, numbers)
    sentence = (
        f"Asked twice for the same images in the same batches, in evaluation mode, {repeat.changed:,} of {len(base):,} "
        f"labels change and log-probabilities by up to {repeat.largest:.2g}: it draws at random, or remembers what it "
        "was shown."
    )
    return Check("determinism", "found", sentence, numbers)


def _check_outputs(base: np.ndarray) -> Check:
    finite = np.isfinite(base).all(axis=1)
    good = base[finite].astype(np.float64)
    normalized = len(good) > 0 and bool((good <= 1e-6).all() and np.allclose(np.exp(good).sum(1), 1, atol=1e-4))
    low, high = (float(good.min()), float(good.max())) if len(good) else (None, None)
    numbers = {"not_finite": int((~finite).sum()), "log_probabilities": normalized, "low": low, "high": high}
    kind = "log-probabilities already" if normalized else "logits"
    span = f"{kind}, from {minus(f'{low:.4g}')} to {minus(f'{high:.4g}')}" if len(good) else kind
    if finite.all():
        return Check("outputs", "ok", f"All finite; they are {span}.", numbers)
    text = (
        f"NaN or infinite for {numbers['not_finite']:,} of {len(base):,} images, the first is image "
        f"{int(np.flatnonzero(~finite)[0])}; the others are {span}."
    )
    return Check("outputs", "found", text, numbers)


def _check_saturation(base: np.ndarray, labels: np.ndarray | None) -> Check:
    finite = np.isfinite(base).all(axis=1)
    if not finite.any():
        return Check("saturation", "not measured", "No answer is finite.", {})
    logs = log_probabilities(base[finite])
    certain = logs.max(1) > np.log(CERTAIN)
    numbers: dict[str, JsonValue] = {"threshold": CERTAIN, "certain": float(certain.mean())}
    text = f"{percent(float(certain.mean()), 1)} of the answers have a probability above {CERTAIN}"
    if labels is None:
        return Check("saturation", "ok", text + ". Without labels, the wrong ones are not counted.", numbers)
    wrong = logs.argmax(1) != labels[finite]
    sure = int((wrong & certain).sum())
    numbers |= {"wrong": int(wrong.sum()), "certain_and_wrong": sure}
    text += f", and {sure:,} of the {wrong.sum():,} wrong ones have."
    return Check("saturation", "found" if sure > CERTAIN_BUT_WRONG * wrong.sum() else "ok", text, numbers)
