"""Two and three shifts in a row, drawn so that each shows.

Which may stand beside which is said by kind (`PAIRS`, `TRIPLES`). Left out is what is ambiguous by construction: two of
one kind that make a third (two noises, two blurs, two mirrors), a threshold on what a monotone curve had changed, an
order of pixels on moved ones, noise that a later step makes another noise or covers at random. Where two descriptions
are equal, both are right.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from benchmarks.diagnosis import compositions as listed
from benchmarks.diagnosis.case import Case, Images, Labels, Part
from benchmarks.diagnosis.drawn.draw import stored
from benchmarks.diagnosis.drawn.singles import drawn_part

GROUP = "compose"
Rng = np.random.Generator
DrawPart = Callable[[str, Rng, bool, bool], Part | None]
"""Of a family, a generator, whether a strength is drawn for each image, and whether nearest sampling is left out."""
MOVES = ("rotate", "translate", "scale", "shear")
MIRRORS = ("flip_horizontal", "flip_vertical", "transpose")
TONES = ("gain", "gain", "offset", "gamma", "invert")
NOISES = ("gaussian_noise", "uniform_noise", "impulse_noise", "speckle_noise", "shot_noise")
KINDS: dict[str, tuple[str, ...]] = {
    "move": MOVES,
    "mirror": MIRRORS,
    "warp": ("affine", "perspective"),
    "tone": TONES,
    "gain": ("gain",),
    "level": ("threshold",),
    "blur": ("gaussian_blur", "gaussian_blur", "defocus_blur", "motion_blur", "pixelate"),
    "jpeg": ("jpeg",),
    "noise": NOISES,
    "plain noise": ("gaussian_noise", "impulse_noise"),
    "pattern": ("fixed_pattern",),
    "cover": ("occlusion", "stripe", "pixel_dropout", "spatter", "dotted_line", "zigzag"),
    "fixed cover": ("occlusion", "stripe"),
    "fog": ("fog",),
    "edges": ("canny_edges", "dilate"),
    "order": ("pixel_permutation", "row_permutation", "column_permutation", "block_permutation"),
    "rows": ("row_permutation",),
    "columns": ("column_permutation",),
    "labels": ("label_permutation", "label_noise"),
    "channels": ("channel_order",),
    "colours": ("grayscale", "saturation", "hue", "channel_rescale"),
}
PAIRS: tuple[tuple[str, str], ...] = (
    *(("move", "noise"), ("plain noise", "move"), ("move", "tone"), ("tone", "move"), ("move", "blur")),
    *(("blur", "move"), ("move", "cover"), ("cover", "move"), ("move", "move"), ("move", "level")),
    *(("mirror", "move"), ("move", "mirror"), ("mirror", "noise"), ("tone", "mirror"), ("mirror", "blur")),
    *(("warp", "noise"), ("warp", "gain"), ("tone", "tone"), ("tone", "noise"), ("plain noise", "tone")),
    *(("tone", "blur"), ("blur", "tone"), ("tone", "cover"), ("cover", "gain"), ("blur", "noise")),
    *(
        ("plain noise", "blur"),
        ("cover", "noise"),
        ("plain noise", "fixed cover"),
        ("blur", "cover"),
        ("cover", "blur"),
    ),
    *(("level", "noise"), ("level", "blur"), ("move", "jpeg"), ("move", "fog"), ("move", "edges")),
    *(("move", "pattern"), ("order", "noise"), ("order", "tone"), ("rows", "columns"), ("labels", "move")),
)
TRIPLES: tuple[tuple[str, str, str], ...] = (
    *(("move", "tone", "noise"), ("move", "blur", "noise"), ("tone", "move", "noise"), ("move", "blur", "tone")),
    *(("mirror", "move", "tone"), ("move", "cover", "noise"), ("blur", "tone", "noise"), ("mirror", "tone", "noise")),
    *(("move", "move", "tone"), ("cover", "move", "tone"), ("tone", "noise", "mirror"), ("move", "tone", "cover")),
)
CLASH = (
    {"stripe", "invert"},  # inverts the other columns
    {"pixel_dropout", "impulse_noise"},  # black dots, and black and white dots
    {"transpose", "stripe"},  # inverts rows, which stripes do not
    {"pixelate", "scale"},  # blocks of another size
    {"channel_order", "grayscale"},  # grey of other weights
    {"channel_order", "hue"},  # another turn of hue
)
"""Families that together are another description of one, or of themselves with other numbers."""
CONTRIBUTION, OF_THREE = 0.3, 0.25  # of the whole change: by how much taking a part out must change the pictures
ALONE = 0.1  # strength that each part has by itself: finer moves are less than kernels of interpolation differ by
COMMUTE = 0.1  # of the change, up to which another order makes the same pictures
SMALL_ANGLE, LARGE_ANGLE = 3.0, 75.0  # degrees: of turns in a composition


def drawn_composition(
    kinds: tuple[str, ...], rng: Rng, draw_part: DrawPart = drawn_part, bytes_share: float = 0.4
) -> Case | None:
    """Parts of these kinds in this order; None where the draw is to be drawn again."""
    families = [str(rng.choice(KINDS[kind])) for kind in kinds]
    if len(set(families)) < len(families) or any(clash <= set(families) for clash in CLASH):
        return None
    each = [rng.random() < 0.1 and family in ("rotate", "translate") for family in families]
    parts = [draw_part(family, rng, one, True) for family, one in zip(families, each, strict=True)]
    how = "bytes" if rng.random() < bytes_share else "float"
    whole = [part for part in parts if part is not None and _allowed(part)]
    if len(whole) < len(parts):
        return None
    stored_parts = tuple(part if part.group == "sample" else stored(part, how) for part in whole)
    return Case(GROUP, stored_parts, also=_also(families, any(each)))


def shows(case: Case, images: Images, labels: Labels, seed: int) -> bool:
    """Whether every part changes the pictures, by itself and beside the others."""
    pictures = tuple(part for part in case.parts if part.group != "sample")
    everything = made(pictures, images, labels, seed)
    change = rms(everything - images)
    if change == 0:
        return False
    if any(rms(made((part,), images, labels, seed) - images) < ALONE * float(images.std()) for part in pictures):
        return False
    least = OF_THREE if len(pictures) > 2 else CONTRIBUTION
    without = (made(tuple(p for p in pictures if p is not part), images, labels, seed) for part in pictures)
    return all(rms(everything - rest) >= least * change for rest in without)


def with_other_order(case: Case, images: Images, labels: Labels, seed: int) -> Case:
    """Other orders are right as well where they make the same pictures."""
    if len(case.parts) != 2:
        return case
    change = made(case.parts, images, labels, seed)
    other = made(case.parts[::-1], images, labels, seed)
    if _exactly_interchangeable(case.parts) or rms(other - change) <= COMMUTE * rms(change - images):
        also = case.also
        return replace(case, also=lambda parts: (*also(parts), *listed.any_order(parts)))
    return case


def made(parts: tuple[Part, ...], images: Images, labels: Labels, seed: int) -> Images:
    """What the parts make of images, each with a generator of its own family's name: the same draws in any company."""
    for part in parts:
        rng = np.random.default_rng([seed, *part.family.encode()])
        images = part.make(images, labels, rng).images.astype(np.float32)
    return images


def rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def _allowed(part: Part) -> bool:
    """No quarter turn, which is two mirrors, and no turn that hardly is one; noise that bytes could hold."""
    if part.family == "rotate":
        angle = part.parameters["angle"]
        return isinstance(angle, dict) or SMALL_ANGLE <= abs(angle) <= LARGE_ANGLE
    if part.family == "offset" and isinstance(part.parameters["amount"], dict):
        return False
    return part.parameters.get("clip") is not False


def _exactly_interchangeable(parts: tuple[Part, ...]) -> bool:
    """Noise of each pixel alone, and pixels that change places: the same in distribution."""
    exact = {*MIRRORS, *KINDS["order"], *KINDS["channels"]}
    noise = {*NOISES, "pixel_dropout"}
    families = {part.family for part in parts}
    return bool(families & exact) and bool(families & noise)


def _also(families: list[str], drawn_each: bool) -> Callable[[list[dict[str, Any]]], tuple]:
    """What is as right, by the families: see `benchmarks.diagnosis.compositions`."""
    two = frozenset(families[:2])
    answers = listed.nothing
    if not drawn_each and len(two) == 2:
        if two in (frozenset({"gain", "offset"}), frozenset({"gain", "invert"}), frozenset({"offset", "invert"})):
            answers = listed.line
        elif two == frozenset({"gain", "gamma"}):
            answers = listed.power
        elif "translate" in two and two & {*MIRRORS, "rotate", "scale", "shear"}:
            answers = listed.moved
        elif "rotate" in two and two & set(MIRRORS):
            answers = listed.mirrored
    return answers if len(families) == 2 or answers is listed.nothing else listed.with_third(answers)
