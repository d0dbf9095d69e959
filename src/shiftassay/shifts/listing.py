"""The catalogue of shifts by name, listed without loading what the shifts are made with."""

from shiftassay.listing import Listing, registered

PRESETS = {
    "mnist_c:shot_noise": "shot_noise (photons = 3), drawn afresh for each image.",
    "mnist_c:impulse_noise": "impulse_noise (fraction = 0.17), drawn afresh for each image.",
    "mnist_c:glass_blur": "glass_blur (sd = 0.7), drawn afresh for each image.",
    "mnist_c:motion_blur": "motion_blur (length = 21, angle = 135 … 225, fading = 3), drawn afresh for each image.",
    "mnist_c:shear": (
        "affine (matrix = [[1, -0.422793, 0], [0, 1.0857, 0]] or [[1, 0.422793, 0], [0, 1.0857, 0]]), "
        "drawn afresh for each image."
    ),
    "mnist_c:scale": "scale (factor = 0.7), the same for all images.",
    "mnist_c:rotate": "rotate (angle = ±22.9183), drawn afresh for each image.",
    "mnist_c:brightness": "offset (amount = 0.5), the same for all images.",
    "mnist_c:translate": "translate (dx = ±3, dy = ±3), drawn afresh for each image.",
    "mnist_c:stripe": "stripe (columns = 14 places).",
    "mnist_c:fog": "fog (amount = 3, decay = 1.96), drawn afresh for each image.",
    "mnist_c:spatter": "spatter (coverage = 0.5), drawn afresh for each image.",
    "mnist_c:dotted_line": "dotted_line, drawn afresh for each image.",
    "mnist_c:zigzag": "zigzag, drawn afresh for each image.",
    "mnist_c:canny_edges": "canny_edges.",
}
"""What `catalog.presets` has, in words."""


def families() -> Listing:
    """Every family of shifts in the catalogue, and what it does to images.

    >>> families()["invert"]
    'Exchange black and white: 1 − x, clipped to [0, 1].'
    """
    return registered("shiftassay.shifts", "shiftassay.shifts.families")


def shifts() -> Listing:
    """The families, then the named presets."""
    return Listing({**families(), **PRESETS})
