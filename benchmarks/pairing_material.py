"""Images for the simulation of pairing: samples that share no image, of many kinds, in many orders."""

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet

SIDE = 16  # pixels of what is made here
Samples = tuple[ImageSet, ImageSet]
Maker = Callable[[int, int, np.random.Generator], Samples]


@cache
def mnist() -> ImageSet:
    """All 70,000 digits."""
    data = load_dataset("mnist")
    assert data.train.labels is not None
    assert data.test.labels is not None
    labels = np.concatenate([data.train.labels, data.test.labels])
    return ImageSet(np.concatenate([data.train.images, data.test.images]), labels, "digits")


def digits(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Two samples of MNIST, at half size, which is a quarter of the work."""
    return _halved(*_drawn(n, m, rng))


def whole_digits(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Two samples of MNIST as it is."""
    return _drawn(n, m, rng)


def one_class(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Digits of one class, which are much alike."""
    labels = mnist().labels
    assert labels is not None
    places = np.flatnonzero(labels == rng.integers(10))
    return _halved(*_drawn(n, m, rng, places))


def classes_in_turn(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Digits 0 to 9, again and again, as sets that are balanced by construction may come."""
    return _halved(*(_with_classes(np.arange(count) % 10, rng, half) for half, count in enumerate((n, m))))


def textures(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Gaussian random fields of one smoothness."""
    sd = rng.uniform(0.7, 3)
    fields = gaussian_filter(rng.standard_normal((n + m, SIDE, SIDE)), (0, sd, sd), mode="wrap")
    return _cut(0.5 + 0.2 * fields / fields.std(), n)


def patches(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Places of two scenes of rectangles that cover each other, with shading: edges and planes as in photographs."""
    sides = [_scene(rng) for _ in range(2)]
    tops, lefts = rng.integers(0, 512 - SIDE, (2, n + m))
    chosen = (np.arange(n + m) >= n).astype(int)
    return _cut(
        np.stack([sides[s][t : t + SIDE, x : x + SIDE] for s, t, x in zip(chosen, tops, lefts, strict=True)]), n
    )


def shapes(n: int, m: int, rng: np.random.Generator) -> Samples:
    """One disc each, anywhere and of any size, grey on black."""
    y, x = np.mgrid[:SIDE, :SIDE]
    center = rng.uniform(3, SIDE - 3, (2, n + m, 1, 1))
    radius, gray = rng.uniform(1.5, 5, (n + m, 1, 1)), rng.uniform(0.4, 1, (n + m, 1, 1))
    return _cut(gray * np.clip(radius - np.hypot(x - center[0], y - center[1]) + 0.5, 0, 1), n)


def near_duplicates(n: int, m: int, rng: np.random.Generator) -> Samples:
    """A few pictures, each time with a little noise: a camera that looks at the same scenes."""
    base = mnist().images[rng.integers(0, 70_000, rng.integers(1, 12)), 0, ::2, ::2]
    return _cut(base[rng.integers(0, len(base), n + m)] + 0.02 * rng.standard_normal((n + m, 14, 14)), n)


def nearly_blank(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Black images, most of them all black, with a few specks on the others."""
    specks = rng.random((n + m, SIDE, SIDE)) < rng.choice([0.0, 1.5 / SIDE**2], (n + m, 1, 1))
    return _cut(np.where(specks, rng.uniform(0.5, 1, specks.shape), 0), n)


def glyphs(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Printed letters a pixel or two from where the others stand: the same image comes again and again."""
    count = n + m
    letters = rng.integers(0, 26, count)
    moved = rng.integers(0, 3, (count, 2))
    return _cut(np.stack([_letter(int(k), int(x), int(y)) for k, (x, y) in zip(letters, moved, strict=True)]), n)


def drifting(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Two films, whose frames follow each other smoothly: textures that move in one direction."""
    return _film(n, rng), _film(m, rng)


def same_classes(n: int, m: int, rng: np.random.Generator) -> Samples:
    """Different digits of the same classes in the same order, labels given.

    As a generator makes them from the labels.
    """
    wanted = rng.integers(0, 10, max(n, m))
    return _halved(*(_with_classes(wanted[:count], rng, half) for half, count in enumerate((n, m))))


MATERIALS: tuple[Maker, ...] = (
    digits,
    whole_digits,
    one_class,
    classes_in_turn,
    same_classes,
    textures,
    patches,
    shapes,
    near_duplicates,
    nearly_blank,
    glyphs,
    drifting,
)


def by_class(images: ImageSet) -> ImageSet:
    """Sorted by class, or, without labels, by mean grey value."""
    keys = images.images.mean((1, 2, 3)) if images.labels is None else images.labels
    order = np.argsort(keys, kind="stable")
    return ImageSet(images.images[order], None if images.labels is None else images.labels[order], images.name)


def _drawn(n: int, m: int, rng: np.random.Generator, places: np.ndarray | None = None) -> Samples:
    pool, labels = mnist().images, mnist().labels
    assert labels is not None
    chosen = rng.permutation(len(pool) if places is None else places)[: n + m]
    first, second = chosen[:n], chosen[n:]
    return ImageSet(pool[first], labels[first], "reference"), ImageSet(pool[second], labels[second], "shifted")


def _with_classes(wanted: np.ndarray, rng: np.random.Generator, half: int | None = None) -> ImageSet:
    """A digit of each wanted class, none twice; of the odd or even places alone, so that two halves share none."""
    pool, labels = mnist().images, mnist().labels
    assert labels is not None
    places = np.empty(len(wanted), np.int64)
    for k in range(10):
        own = np.flatnonzero(labels == k)
        own = own if half is None else own[half::2]
        at = np.flatnonzero(wanted == k)
        places[at] = rng.permutation(own)[: len(at)]
    return ImageSet(pool[places], labels[places], "reference")


def _halved(*sides: ImageSet) -> Samples:
    one, other = (
        ImageSet(s.images.reshape(len(s), 1, 14, 2, 14, 2).mean((3, 5), dtype=np.float32), s.labels) for s in sides
    )
    return one, other


def _cut(images: np.ndarray, n: int) -> Samples:
    values = np.rint(np.clip(images, 0, 1) * 255).astype(np.float32)[:, None] / np.float32(255)
    return ImageSet(values[:n], None, "reference"), ImageSet(values[n:], None, "shifted")


def _scene(rng: np.random.Generator) -> np.ndarray:
    picture = rng.random((512, 512))
    for _ in range(1500):
        top, left = rng.integers(-20, 512, 2)
        height, width = rng.integers(5, 60, 2)
        picture[max(top, 0) : top + height, max(left, 0) : left + width] = rng.random()
    return gaussian_filter(picture, 0.7) + 0.03 * rng.standard_normal(picture.shape)


@cache
def _letter(k: int, x: int, y: int) -> np.ndarray:
    picture = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(picture).text((x + 2, y), chr(ord("A") + k), fill=255, font=ImageFont.load_default())
    return np.asarray(picture, np.float64) / 255


def _film(n: int, rng: np.random.Generator) -> ImageSet:
    field = gaussian_filter(rng.standard_normal((128, 128)), rng.uniform(1, 4), mode="wrap")
    dx, dy = rng.uniform(-1, 1, 2)
    frames = []
    for t in range(n):
        left, top = int(t * dx) % 128, int(t * dy) % 128
        frames.append(np.roll(field, (-top, -left), (0, 1))[:SIDE, :SIDE])
    images = np.stack(frames)
    return _cut(0.5 + 0.2 * images / field.std() + 0.01 * rng.standard_normal(images.shape), n)[0]
