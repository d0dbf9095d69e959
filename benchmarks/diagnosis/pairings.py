"""Cases whose images are not in the same order, or not the same images at all."""

from collections.abc import Iterator

from benchmarks.diagnosis.blur import defocus_blur, gaussian_blur, jpeg, motion_blur, pixelate
from benchmarks.diagnosis.case import Case, Part
from benchmarks.diagnosis.geometry import (
    flip_horizontal,
    flip_vertical,
    roll,
    rotate,
    scale,
    shear,
    translate,
    transpose,
)
from benchmarks.diagnosis.intensity import gain, gamma, invert, offset, quantize, rescale, threshold
from benchmarks.diagnosis.noise import (
    fixed_pattern,
    gaussian_noise,
    impulse_noise,
    shot_noise,
    sign_noise,
    speckle_noise,
    uniform_noise,
)
from benchmarks.diagnosis.overlay import (
    canny_edges,
    dotted_line,
    fog,
    occlusion,
    pixel_dropout,
    spatter,
    stripe,
    zigzag,
)
from benchmarks.diagnosis.rearrangement import block_permutation, column_permutation, pixel_permutation, row_permutation
from benchmarks.diagnosis.resample import Way
from benchmarks.diagnosis.sample import class_prior

CV2 = Way("cv2", "cubic", rounded=True)


def unpaired() -> Iterator[Case]:
    """Families that are shared, or noise, and leave the structure of the distribution recognisable."""
    for part in _unpaired():
        yield Case("unpaired", (part,), "unpaired")


def reordered() -> Iterator[Case]:
    """The same images, shifted, in another order."""
    for part in (
        *(invert(), gain(0.5), gain(1.5, True), offset(0.3), offset(-0.2), gamma(2.0), threshold(0.5)),
        *(quantize(4), rescale(255.0), gaussian_noise(0.05), gaussian_noise(0.15), gaussian_noise(0.4)),
        *(impulse_noise(0.1), uniform_noise(0.25), sign_noise(0.1), speckle_noise(0.35), shot_noise(12.0)),
        *(fixed_pattern(0.15), rotate(5.0, CV2), rotate(15.0), rotate(-40.0), rotate(90.0)),
        *(rotate({"values": [-15.0, 15.0]}), translate(1.0, 0.0), translate(-4.0, 3.0), scale(0.9, CV2)),
        *(scale(0.7), shear(0.4), flip_horizontal(), flip_vertical(), transpose(), roll(9, 0)),
        *(gaussian_blur(0.7), gaussian_blur(1.2), defocus_blur(2.5), motion_blur(9.0, 45.0), pixelate(4), jpeg(10)),
        *(occlusion(8, 8, 10, 10, 0.5), stripe([12, 13, 14, 15]), pixel_dropout(0.3), zigzag(2.0, 2.0, 2.3)),
    ):
        yield Case("reordered", (part,), "reordered")
    for part in (pixel_permutation(), row_permutation(), block_permutation(7)):
        yield Case("reordered", (part,), "reordered")


def _unpaired() -> Iterator[Part]:
    yield invert()
    yield from (gain(f) for f in (0.3, 0.6))
    yield gain(1.5, True)
    yield from (offset(a) for a in (0.1, 0.3, -0.2))
    yield from (gamma(e) for e in (0.5, 2.0, 3.0))
    yield from (threshold(level) for level in (0.21, 0.5, 0.79))
    yield from (quantize(levels) for levels in (3, 4, 8))
    yield from (rescale(255.0), rescale(2.0, -1.0), rescale(1 / 0.3081, -0.1307 / 0.3081))
    yield from (rotate(15.0), rotate(-40.0, CV2), rotate(90.0), rotate(25.0))
    yield from (translate(2.0, 0.0), translate(-4.0, 3.0), translate(3.0, -5.0, CV2))
    yield from (scale(0.9), scale(0.7, CV2), scale(1.3))
    yield from (shear(0.2), shear(0.4, CV2), shear(-0.8))
    yield from (flip_horizontal(), flip_vertical(), transpose(), roll(9, 0), roll(0, -8))
    yield from (gaussian_noise(sd) for sd in (0.05, 0.15, 0.4))
    yield from (uniform_noise(w) for w in (0.1, 0.25, 0.6))
    yield from (sign_noise(e) for e in (0.04, 0.1, 0.3))
    yield from (impulse_noise(f) for f in (0.02, 0.1, 0.3))
    yield from (speckle_noise(sd) for sd in (0.15, 0.35, 0.6))
    yield from (fixed_pattern(sd) for sd in (0.05, 0.15, 0.4))
    yield from (gaussian_blur(sd) for sd in (0.7, 1.2, 2.0))
    yield from (defocus_blur(r) for r in (1.5, 2.5, 4.0))
    yield from (motion_blur(5.0, 0.0), motion_blur(9.0, 45.0), motion_blur(13.0, 110.0))
    yield from (pixelate(f) for f in (2, 4, 7))
    yield from (jpeg(q) for q in (60, 30, 10))
    yield from (occlusion(8, 8, 10, 10), occlusion(3, 12, 20, 6, 0.5), occlusion(10, 4, 6, 18, 1.0))
    yield from (stripe([12, 13, 14, 15]), stripe([*range(7), *range(21, 28)]), stripe([5, 10, 16, 22]))
    yield from (pixel_dropout(f) for f in (0.1, 0.3, 0.6))
    yield from (
        fog(1.5, 3.0),
        spatter(0.15, 3.0, 0.6),
        dotted_line(2.3, 2),
        zigzag(2.0, 2.0, 2.3),
        canny_edges(1.0, 0.1, 0.2),
    )
    yield from (pixel_permutation(draw=i) for i in range(3))
    yield from (row_permutation(draw=i) for i in range(2))
    yield from (column_permutation(draw=i) for i in range(2))
    yield from (block_permutation(block) for block in (14, 7, 4))
    yield class_prior([0.3, 0.05, 0.05, 0.1, 0.1, 0.1, 0.05, 0.05, 0.1, 0.1])
    yield class_prior([0.19, 0.01] * 5)
    yield class_prior([0.0, 0.0, *[0.125] * 8])
