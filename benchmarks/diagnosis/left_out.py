"""Each family's cases with that family taken out of the catalogue.

`unknown` is right, or another description of the same.
"""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.diagnosis.case import ANY, Answer, Case

GROUP = "left_out"
EACH = 3
EQUAL = {
    "rotate": ("affine", "perspective", "compose"),
    "translate": ("affine", "perspective", "roll", "compose"),
    "roll": ("pixel_permutation", "column_permutation", "row_permutation", "compose"),
    "scale": ("affine", "perspective"),
    "shear": ("affine", "perspective", "compose"),
    "affine": ("perspective", "compose"),
    "flip_horizontal": ("affine", "perspective", "column_permutation", "pixel_permutation", "compose"),
    "flip_vertical": ("affine", "perspective", "row_permutation", "pixel_permutation", "compose"),
    "transpose": ("affine", "perspective", "pixel_permutation", "compose"),
    "invert": ("rescale",),
    "gain": ("rescale", "compose"),
    "offset": ("rescale", "compose"),
    "rescale": ("gain", "compose"),
    "gamma": ("tone_curve",),
    "threshold": ("quantize", "compose"),
    "row_permutation": ("pixel_permutation",),
    "column_permutation": ("pixel_permutation",),
    "block_permutation": ("pixel_permutation",),
    "pixel_permutation": ("block_permutation",),  # blocks of one pixel
    "pixel_dropout": ("spatter",),  # black drops of one pixel
    "reorder": ("identity",),  # the pairing says it
    "label_misalignment": ("label_noise",),  # labels of others, at random
    "adversarial": ("sign_noise",),
}
"""What says the same of a family's cases.

A composition counts where its parts are such, or of the family's own group.
"""


def cases(singles: list[Case]) -> Iterator[Case]:
    """From the cases of single families: a few strengths, scopes and ways of making each."""
    by_family: dict[str, list[Case]] = {}
    for case in singles:
        if len(case.parts) == 1 and case.share == 1 and not case.instead:
            by_family.setdefault(case.family, []).append(case)
    for family, of_family in by_family.items():
        equal = tuple(Answer(other, None, ANY) for other in EQUAL.get(family, ()))
        spread = of_family[:: max(len(of_family) // EACH, 1)][:EACH]
        for case in spread:
            answers = (Answer("unknown", None, None), *equal)
            yield replace(case, group=GROUP, left_out=family, instead=answers)
