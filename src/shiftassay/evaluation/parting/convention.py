"""Input: were images meant to be given in another way? Range, order of colours, layout, axes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

from torch import Tensor, nn

from shiftassay.evaluation.parting.trial import Pair, Trial
from shiftassay.models.prepared import Prepared, module_of
from shiftassay.models.takes import Layout

RANGES = {
    "": "",
    "0:255": "",
    "0:0.00392157": "divided by 255",
    "-1:1": "",
    "0.5:1": "as if −1 were black",
    "imagenet": "",
    "1:0": "inverted",
}
GRAY_RANGES = {"-0.4242:2.8215": "MNIST's mean and sd"}  # 0.1307 and 0.3081
LAYOUTS: dict[str, tuple[Layout, ...]] = {"flat-chw": ("flat-hwc",), "flat-hwc": ("flat-chw",)}


def trials(pair: Pair) -> Iterator[Trial]:
    """Each model, given images in another way."""
    channels, height, width = pair.shape
    ranges = RANGES if channels > 1 else {**RANGES, **GRAY_RANGES}
    orders = ("", "bgr") if channels == 3 else ("",)
    for place, model in enumerate(pair.models):
        for (values, meaning), order in product(ranges.items(), orders):
            words = ",".join(word for word in (values, order) if word)
            if words and not (values == "imagenet" and channels != 3):
                explained = f" ({meaning})" if meaning else ""
                yield Trial(place, f"given images as {words}{explained}", partial(module_of, model, words))
        if height == width:
            yield Trial(place, "given images with rows and columns exchanged", partial(Laid, model, _exchanged))
        yield Trial(place, "given images from the bottom row up", partial(Laid, model, _from_the_bottom))
        if isinstance(model, Prepared) and channels > 1:
            for layout in LAYOUTS.get(model.takes.layout or "", ()):
                laid_out = replace(model.takes, layout=layout)
                yield Trial(place, f"given images as {layout}", partial(Prepared, model.model, laid_out, model.name))


def why_nothing(pair: Pair) -> str:
    return f"{pair.names[0]} and {pair.names[1]} take images in one way alone"


class Laid(nn.Module):
    """A model that is given images whose rows and columns are laid in another way."""

    def __init__(self, model: nn.Module, lay: Callable[[Tensor], Tensor]):
        super().__init__()
        self.model = model
        self.lay = lay

    def forward(self, images: Tensor) -> Tensor:
        return self.model(self.lay(images))


def _exchanged(images: Tensor) -> Tensor:
    return images.transpose(2, 3)


def _from_the_bottom(images: Tensor) -> Tensor:
    return images.flip(2)
