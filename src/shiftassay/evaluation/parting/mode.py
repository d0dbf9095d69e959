"""Mode: was batch normalization or dropout left in training mode?"""

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from shiftassay.evaluation.parting.trial import Pair, Trial
from shiftassay.models.predict import copied


def _drops(module: nn.Module) -> bool:
    return isinstance(module, _DropoutNd) and module.p > 0


KINDS: dict[str, Callable[[nn.Module], bool]] = {
    "batch normalization": lambda module: isinstance(module, _BatchNorm),
    "dropout": _drops,
}


def trials(pair: Pair) -> Iterator[Trial]:
    """Each model with layers that work otherwise in training mode, left in it."""
    for place, model in enumerate(pair.models):
        there = {name: kind for name, kind in KINDS.items() if any(map(kind, model.modules()))}
        for name, kind in there.items():
            yield Trial(place, f"with {name} in training mode", partial(LeftInTraining, model, kind), kind is _drops)
        if there:
            yield Trial(place, "in training mode", partial(LeftInTraining, model, lambda _: True), True)


def why_nothing(pair: Pair) -> str:
    return f"neither {pair.names[0]} nor {pair.names[1]} has batch normalization or dropout here that could be switched"


class LeftInTraining(nn.Module):
    """A copy of a model some of whose layers stay in training mode, whatever mode is asked for."""

    def __init__(self, model: nn.Module, stays: Callable[[nn.Module], bool]):
        super().__init__()
        self.model = copied(model)
        self.stays = stays

    def train(self, mode: bool = True) -> "LeftInTraining":
        super().train(mode)
        for module in self.model.modules():
            module.training = module.training or self.stays(module)
        return self

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images)
