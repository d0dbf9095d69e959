"""What one network says of a picture, before and after a shift."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.models.predict import logits_of
from shiftassay.play.pictures import shown
from shiftassay.play.views.view import VIEWS, Call, Line, Look, View
from shiftassay.records import Record


@dataclass(frozen=True)
class ShownPanel(Record):
    """A panel of a view as a page shows it: `picture` is a URL that holds it."""

    title: str
    about: str
    picture: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class NetworkAnswer(Record):
    """A network's probabilities of the classes for the shifted picture, and for the one before.

    `margin` is the likeliest class's logit less the next one's. If the network can't answer, `error` says why.
    """

    name: str
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    margin: float = 0.0
    margin_before: float = 0.0
    panels: tuple[ShownPanel, ...] = ()
    error: str = ""


class AskedNetwork:
    """A model in evaluation mode, under a name, and which of its modules the views watch."""

    def __init__(self, name: str, model: nn.Module):
        self.name = name
        self.model = model
        self._views = [VIEWS[view] for view in VIEWS]
        self._watched = [(m, view) for m in model.modules() for view in self._views if view.watches(m)]
        self._known: tuple[bytes, Tensor] | None = None

    def answer(self, before: Float32[np.ndarray, "1 c h w"], after: Float32[np.ndarray, "1 c h w"]) -> NetworkAnswer:
        """What it says of a picture before and after a shift, with every view of the latter."""
        try:
            first = self._logits(before)
            look, calls = self._look(after)
            panels = [panel for view in self._views for panel in view.panels(replace(look, calls=tuple(calls[view])))]
        except BadInput as error:
            return NetworkAnswer(self.name, error=str(error))
        then = look.logits.detach()
        shown_panels = tuple(ShownPanel(p.title, p.about, shown(p), p.lines) for p in panels)
        return NetworkAnswer(
            self.name, _probabilities(first), _probabilities(then), _margin(then), _margin(first), shown_panels
        )

    def _logits(self, image: Float32[np.ndarray, "1 c h w"]) -> Float[Tensor, "1 classes"]:
        """The logits of an image; those of the last one are known still."""
        key = image.tobytes()
        if self._known is None or self._known[0] != key:
            with torch.no_grad():
                self._known = key, logits_of(torch.from_numpy(image), model=self.model)
        return self._known[1]

    def _look(self, image: Float32[np.ndarray, "1 c h w"]) -> tuple[Look, dict[type[View], list[Call]]]:
        """The answer to an image with its gradient, and the calls that each view watches."""
        calls: dict[type[View], list[Call]] = {view: [] for view in self._views}
        hooks = [
            module.register_forward_pre_hook(_noting(calls[view]), with_kwargs=True) for module, view in self._watched
        ]
        tensor = torch.from_numpy(image).requires_grad_()
        try:
            with torch.enable_grad():
                logits = logits_of(tensor, model=self.model)
        finally:
            for hook in hooks:
                hook.remove()
        return Look(tensor, logits, ()), calls


def _noting(calls: list[Call]) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
    """A hook that notes what a module is called with."""

    def note(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        calls.append(Call(module, arguments, named))

    return note


def _probabilities(logits: Float[Tensor, "1 classes"]) -> tuple[float, ...]:
    return tuple(torch.softmax(logits[0], 0).tolist())


def _margin(logits: Float[Tensor, "1 classes"]) -> float:
    first, second = logits[0].topk(2).values.tolist()
    return first - second
