"""The fifteen corruptions of MNIST-C as presets: families with the published parameters.

Mu and Gilmer 2019, "MNIST-C: A Robustness Benchmark for Computer Vision". They are written from the definitions and
draw their own random numbers: the images have the published distribution, up to details that a family's documentation
names, but are not the published images.
"""

import math
from dataclasses import dataclass

from shiftassay.errors import BadInput
from shiftassay.shifts.families.affine import Affine
from shiftassay.shifts.families.blur import MotionBlur
from shiftassay.shifts.families.edges import CannyEdges
from shiftassay.shifts.families.fog import Fog
from shiftassay.shifts.families.glass import GlassBlur
from shiftassay.shifts.families.intensity import Offset
from shiftassay.shifts.families.linear_maps import Rotate, Scale
from shiftassay.shifts.families.lines import DottedLine, Zigzag
from shiftassay.shifts.families.noise import ImpulseNoise
from shiftassay.shifts.families.overlay import Stripe
from shiftassay.shifts.families.shot_noise import ShotNoise
from shiftassay.shifts.families.spatter import Spatter
from shiftassay.shifts.families.translation import Translate
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Choice, Uniform

RADIANS = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Corruption:
    """A corruption: a shift for each severity from 1, and the severity of the published set."""

    published: int
    severities: tuple[Shift, ...]

    def at_severity(self, severity: int | None = None) -> Shift:
        """The shift of a severity, by default the published one."""
        severity = self.published if severity is None else severity
        if not 1 <= severity <= len(self.severities):
            only = "only severity 1" if len(self.severities) == 1 else f"severities 1 to {len(self.severities)}"
            raise BadInput(f"mnist_c: this corruption has {only}, not {severity}.")
        return self.severities[severity - 1]


def _either(value: float) -> Choice:
    return Choice((-value, value))


def _slanted(angle: float) -> Affine:
    """The "shear" of scikit-image at the time.

    Its matrix, from output to input, also shrank y by cos(angle).
    """

    def matrix(a: float) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        return ((1.0, math.tan(a), 0.0), (0.0, 1 / math.cos(a), 0.0))

    return Affine(Choice((matrix(-angle), matrix(angle))), scope="per_image")


CORRUPTIONS = {
    "shot_noise": Corruption(5, tuple(ShotNoise(float(c)) for c in (60, 25, 12, 5, 3))),
    "impulse_noise": Corruption(4, tuple(ImpulseNoise(f) for f in (0.03, 0.06, 0.09, 0.17, 0.27))),
    "glass_blur": Corruption(
        1,
        (GlassBlur(0.7, 1, 2), GlassBlur(0.9, 2, 1), GlassBlur(1.0, 2, 3), GlassBlur(1.1, 3, 2), GlassBlur(1.5, 4, 2)),
    ),
    # ImageMagick's kernel of radius r has 2 r + 1 weights. Directions: within 45° of the horizontal, tail to the left.
    "motion_blur": Corruption(
        1,
        tuple(
            MotionBlur(2.0 * radius + 1, Uniform(135.0, 225.0), sd, scope="per_image")
            for radius, sd in ((10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0))
        ),
    ),
    "shear": Corruption(2, tuple(_slanted(a) for a in RADIANS)),
    "scale": Corruption(3, tuple(Scale(f) for f in (0.9, 0.8, 0.7, 0.6, 0.5))),
    "rotate": Corruption(2, tuple(Rotate(_either(math.degrees(a)), scope="per_image") for a in RADIANS)),
    "brightness": Corruption(5, tuple(Offset(a) for a in (0.1, 0.2, 0.3, 0.4, 0.5))),
    "translate": Corruption(
        3, tuple(Translate(_either(d), _either(d), scope="per_image") for d in (1.0, 2.0, 3.0, 4.0, 5.0))
    ),
    "stripe": Corruption(1, (Stripe((*range(7), *range(21, 28))),)),
    # The published decay is that of both factors of the noise's amplitude, so its square.
    "fog": Corruption(5, tuple(Fog(a, d**2) for a, d in ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)))),
    # Published as mean, sd and level of the noise; the share of the smoothed noise that is above the level:
    "spatter": Corruption(
        4,
        (
            Spatter(0.029, 4.0, 0.6),
            Spatter(0.144, 3.0, 0.6),
            Spatter(0.239, 2.0, 0.5),
            Spatter(0.5, 1.0, 1.5),
            Spatter(0.57, 1.0, 1.5),
        ),
    ),
    "dotted_line": Corruption(1, (DottedLine(),)),
    "zigzag": Corruption(1, (Zigzag(),)),
    "canny_edges": Corruption(1, (CannyEdges(),)),
}
