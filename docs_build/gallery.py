"""The gallery: pages of diagnoses, made when the site is built."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from skimage import data
from torch import nn

import shiftassay
from shiftassay.imagesets.image_set import Images, ImageSet

PICTURES, SIDE = 60, 64  # of crops from photographs, and pixels of their sides
DIGITS = 1000
INTRODUCTION = """# Gallery

Pages of diagnoses, made by `make docs` with `shiftassay diagnose … --report`. Each is one file that loads nothing.

"""


@dataclass(frozen=True)
class Example:
    """A page: what was done to which pictures, and whether a model was asked."""

    name: str
    title: str
    about: str
    images: Callable[[], ImageSet]
    change: Callable[[Images, np.random.Generator], Images]
    asks_model: bool = False


def pages() -> Iterator[tuple[str, str | bytes]]:
    """An overview, and the page of each example."""
    lines = [f"- [{example.title}](gallery/{example.name}.html): {example.about}" for example in EXAMPLES]
    yield "gallery.md", INTRODUCTION + "\n".join(lines) + "\n"
    yield from ((f"gallery/{example.name}.html", page(example)) for example in EXAMPLES)


def page(example: Example) -> bytes:
    """The report of a diagnosis, as a file."""
    before = example.images()
    changed = example.change(before.images, np.random.default_rng(0))
    after = ImageSet(np.clip(changed, 0, 1).astype(np.float32), before.labels, "after")
    model = {"model": _model()} if example.asks_model else {}
    with tempfile.TemporaryDirectory() as folder:
        return shiftassay.diagnose(before, after, **model).report(Path(folder, "page.html")).read_bytes()


def digits() -> ImageSet:
    return shiftassay.load_dataset("mnist").test.first(DIGITS)


def photographs() -> ImageSet:
    """Crops of three photographs in the public domain or under CC0 that come with scikit-image."""
    rng = np.random.default_rng(0)
    whole = [data.astronaut(), data.coffee(), data.chelsea()]
    crops = []
    for number in range(PICTURES):
        picture = whole[number % len(whole)]
        top, left = (int(rng.integers(0, size - 2 * SIDE)) for size in picture.shape[:2])
        crop = picture[top : top + 2 * SIDE, left : left + 2 * SIDE].reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3))
        crops.append(np.rint(crop) / 255)
    return ImageSet(np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32), None, "before")


@cache
def _model() -> nn.Module:
    """A perceptron after one epoch."""
    with tempfile.TemporaryDirectory() as folder:
        return shiftassay.train("mlp", shiftassay.load_dataset("mnist"), epochs=1, store=folder)[0].model


def _turned(images: Images, rng: np.random.Generator) -> Images:
    return shiftassay.shift(images, "rotate:angle=15").images


def _exchanged(images: Images, rng: np.random.Generator) -> Images:
    return images[:, ::-1]


def _noisy(images: Images, rng: np.random.Generator) -> Images:
    return images + rng.normal(0, 0.3, images.shape)


def _in_halves(images: Images, rng: np.random.Generator) -> Images:
    """The left half of the next picture: in no catalogue."""
    halves = images.copy()
    halves[..., : images.shape[3] // 2] = np.roll(images, 1, 0)[..., : images.shape[3] // 2]
    return halves


EXAMPLES = (
    Example(
        "turned", "Digits, turned by 15°", "what it costs a model, the proof, and why it minds", digits, _turned, True
    ),
    Example("exchanged", "Photographs, BGR for RGB", "the line of code that is wrong", photographs, _exchanged),
    Example(
        "noisy", "Digits with noise", "what can't be undone, and what training with noise brings", digits, _noisy, True
    ),
    Example(
        "unknown", "Digits, each beside half of another", "what is in no catalogue is `unknown`", digits, _in_halves
    ),
)
