"""A smooth random warp, as of a rubber sheet."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Float64
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.flow import local_flow, shared_flow
from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.sampling_code import SAMPLING
from shiftassay.shifts.warp import displace, grid, sample

CHUNK = 2000
INVERSION_STEPS = 10  # of a fixed-point iteration that gains a digit or so at each
FLOW, COARSE, FINE = 300, 10, 28  # images: for the flow, for each start, and for refinement
VALUES = 300_000  # of the images of the refinement, at most; half as many of the first look
SHARED_RESIDUAL = 0.35  # of the change: a field that leaves less is shared by all images
LOCALLY_EXPLAINED = 0.2  # of the change, at least, by small displacements around each place
WINDOW = 2.0  # pixels around a place
# Shares of a field's energy above which it follows a rule. 75 draws of five smoothnesses had at most 0.87 of it odd,
# and 0.89 of it constant along lines where the smoothness was below 5. 60 draws of smoothness 8 had at most 0.995 of it
# quadratic.
RULE, QUADRATIC = 0.97, 0.997
ROUGH = 5.0  # pixels of smoothness: smoother fields hardly vary along a line
STANDARD_ERRORS = np.array([0.05, 0.02, 0.02, 0.02])  # of the moments, about

Field = Float[np.ndarray, "2 h w"]


@FAMILIES.register("elastic")
@dataclass(frozen=True)
class Elastic(Shift):
    """Warp the picture by a smooth random field of displacements, as on a rubber sheet.

    Each output pixel is sampled at its own place plus a displacement. The displacements in x and in y are independent
    Gaussian noise, smoothed by a Gaussian that wraps round the borders.

    Parameters:
        amplitude: standard deviation of the displacements in pixels, 0 or more.
        smoothness: standard deviation of the smoothing Gaussian in pixels, 0 to 100.
        field: for scope shared, the displacements in pixels: h · w in x, then h · w in y; drawn if None.

    Source: Simard et al. 2003, "Best practices for convolutional neural networks applied to visual document analysis".
    """

    family: ClassVar[str] = "elastic"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "amplitude=1"
    also_called: ClassVar[tuple[str, ...]] = ("elastic_transform",)
    tier: ClassVar[int] = 2
    simulated: ClassVar[tuple[str, ...]] = ("amplitude", "smoothness")
    refined: ClassVar[tuple[str, ...] | None] = ("amplitude",)
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes wobble as in another handwriting: the digit is still there, but each of its parts stands a little "
        "elsewhere."
    )
    information: ClassVar[Information] = "reduced"
    smooth: ClassVar[bool] = True

    amplitude: float
    smoothness: float = 4.0
    field: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "amplitude", lambda v: v >= 0, "0 or more")
        check(self, "smoothness", lambda v: 0 <= v <= 100, "between 0 and 100")
        if self.field is not None and self.scope == "per_image":
            raise BadInput("elastic: give no field for scope per_image, which draws its own.")

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Elastic":
        if self.scope == "per_image" or self.field is not None:
            return self
        return replace(self, field=tuple(self._draw_fields(1, shape[1], shape[2], rng).ravel().tolist()))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return displace(images, self._displacements(images, rng))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Shared: the field by optical flow. Per image: its distribution by simulated moments.

        A shared field's amplitude is its root mean square. Its smoothness follows from how fast it changes over two
        pixels: the autocorrelation of smoothed white noise is exp(−r² / 4 smoothness²). Both are measured where the
        images vary; elsewhere a field can't be identified. A field that follows a rule, such as a swirl, a lens or a
        wave, is not in the catalogue, and nothing is returned for it.

        The moments: how far images are from their references, and the shares of that which the best small translation,
        the best small affine map and the best small displacement around each place explain.
        """
        h, w = pairs.reference.shape[2:]
        before, after = (np.abs(images).sum(dtype=np.float64) for images in (pairs.reference, pairs.shifted))
        if min(h, w) < 5 or pairs.change <= 1e-6 or not 0.4 * before < after < 2.5 * before:
            return []
        if pairs.contrast:  # a warp hardly changes the mean and the spread of grey values
            gain = pairs.reference.std() / max(float(pairs.shifted.std()), 1e-6)
            offset = pairs.reference.mean() - gain * pairs.shifted.mean()
            pairs = replace(pairs, shifted=gain * pairs.shifted + offset, contrast=False)
        few = pairs.first(max(FLOW // pairs.reference.shape[1], 24))
        field, information = shared_flow(few)
        residual = few.errors(displace(few.reference, field[None])).mean() / max(few.change, 1e-12)
        if np.isfinite(field).all() and residual < SHARED_RESIDUAL:
            amplitude, smoothness = _amplitude_and_smoothness(field, information)
            if _is_parametric_field(field, information, smoothness):
                return []
            return [cls(amplitude, smoothness, tuple(map(float, field.ravel())))]
        moments = _moments(few)
        if not np.isfinite(moments).all() or moments[3] < LOCALLY_EXPLAINED:
            return []
        return [cls._by_simulation(pairs, few, moments)]

    @classmethod
    def _by_simulation(cls, pairs: Pairs, few: Pairs, moments: np.ndarray) -> "Elastic":
        """Fresh fields whose moments come nearest to the `moments` of a few pairs."""

        def simulated(p: np.ndarray, part: Pairs, draws: int = 1) -> np.ndarray:
            """The mean moments under p = (log amplitude, log smoothness), in standard errors."""
            if not (-3 < p[0] < 2.5 and 0 < p[1] < 2.8):
                return np.full(len(STANDARD_ERRORS), np.nan)
            shift = cls(float(np.exp(p[0])), float(np.exp(p[1])), scope="per_image")
            rng = np.random.default_rng(0)
            warped = [replace(part, shifted=shift.apply(part.reference, rng)) for _ in range(draws)]
            return np.mean([_moments(pairs) for pairs in warped], 0) / STANDARD_ERRORS

        starts = np.log([(a, s) for s in (1.5, 2.5, 4.0, 7.0) for a in (0.4, 0.8, 1.5, 3.0)])
        step = np.array([0.2, 0.2])
        first = pairs.first_affordable(COARSE, VALUES // 2, 1)
        part = pairs.first_affordable(FINE, VALUES, 2)
        target = moments / STANDARD_ERRORS
        best, _ = matched(lambda p: simulated(p, first), _moments(first) / STANDARD_ERRORS, starts, step, tries=5)
        best, _ = matched(lambda p: simulated(p, part), target, best[None], step, tries=18)
        # Corrected for how the fewer images and draws of the refinement differ from more of them.
        corrected = target + simulated(best, part) - simulated(best, few, 4)
        best, _ = matched(lambda p: simulated(p, part), corrected, best[None], step, tries=18)
        return cls(float(np.exp(best[0])), float(np.exp(best[1])), scope="per_image")

    def simulated_statistics(self, pairs: Pairs) -> Float64[np.ndarray, "n 4"]:
        """The energy of the change, and what small displacements explain of it."""
        return _energies(pairs).T / pairs.reference[0].size

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        """The inverse displacements e of d, with e = −d(q + e), by fixed-point iteration."""
        fields = self._displacements(images, rng)
        places = grid(*images.shape[2:])
        inverse = np.zeros_like(fields)
        for _ in range(INVERSION_STEPS):
            for start in range(0, len(fields), CHUNK):
                part = slice(start, start + CHUNK)
                inverse[part] = -sample(fields[part], places + inverse[part], "edge")
        return displace(images, inverse)

    def undo_steps(self) -> Steps | None:
        if self.field is None:
            return None
        return Steps(
            "h, w = images.shape[1:3]\n"
            f"dx, dy = np.reshape({literal(self.field)}, (2, h, w))\n"
            "y, x = np.mgrid[:h, :w].astype(float)\n"
            "from_x, from_y = x, y  # where the displacement that leads to each pixel begins\n"
            f"for _ in range({INVERSION_STEPS}):\n"
            '    back = [sample(d[None], from_x, from_y, "nearest")[0] for d in (dx, dy)]\n'
            "    from_x, from_y = x - back[0], y - back[1]\n"
            "images = sample(images, from_x, from_y)",
            SAMPLING,
        )

    def _displacements(self, images: Images, rng: np.random.Generator) -> Float[np.ndarray, "m 2 h w"]:
        """One field for all images, or one for each."""
        n, _, h, w = images.shape
        if self.scope == "per_image":
            return self._draw_fields(n, h, w, rng)
        field = np.array(self.realize(images.shape[1:], rng).field, np.float32)
        if field.size != 2 * h * w:
            raise BadInput(f"elastic: its field has {field.size} numbers, images of {h} × {w} need {2 * h * w}.")
        return field.reshape(1, 2, h, w)

    def _draw_fields(self, n: int, h: int, w: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2 h w"]:
        noise = rng.standard_normal((n, 2, h, w), np.float32)
        smoothness = max(self.smoothness, 1e-6)  # SciPy divides by it
        smooth = gaussian_filter(noise, (0, 0, smoothness, smoothness), mode="wrap")
        impulses = (np.eye(1, size)[0] for size in (h, w))
        sd = np.prod([np.linalg.norm(gaussian_filter1d(impulse, smoothness, mode="wrap")) for impulse in impulses])
        return np.float32(self.amplitude / sd) * smooth


def _amplitude_and_smoothness(field: Field, information: Float[np.ndarray, "h w"]) -> tuple[float, float]:
    """The amplitude and smoothness of a field, measured where there is enough information on it."""
    informative = information > 0.05 * information.mean()
    square = float(np.mean(field[np.broadcast_to(informative, field.shape)] ** 2))
    lag = min(2, min(information.shape) - 1)
    steps = []
    for axis in (1, 2):
        size = field.shape[axis]
        both = np.take(informative, range(lag, size), axis - 1) & np.take(informative, range(size - lag), axis - 1)
        ahead, behind = np.take(field, range(lag, size), axis), np.take(field, range(size - lag), axis)
        steps.append((ahead - behind)[:, both] ** 2)
    mean_step = np.concatenate(steps, 1).mean() if sum(s.size for s in steps) else square
    correlation = np.clip(1 - mean_step / max(2 * square, 1e-9), 0.05, 0.999)
    return float(np.sqrt(square)), float(np.clip(lag / (2 * np.sqrt(-np.log(correlation))), 0, 100))


def _is_parametric_field(field: Field, information: Float[np.ndarray, "h w"], smoothness: float) -> bool:
    """Whether a field follows a rule, as no draw does.

    It is odd about the centre, its components are quadratics, or each is a function of x or of y alone.
    """
    both = np.sqrt(information * information[::-1, ::-1])
    odd = (field - field[:, ::-1, ::-1]) / 2
    if (both * odd**2).sum() > RULE * (both * field**2).sum():
        return True
    weights, line_residual, quadratic_residual = information + 1e-9 * information.max(), 0.0, 0.0
    root = np.sqrt(weights).ravel()
    x, y = grid(*information.shape) / max(information.shape)
    quadratic = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6) * root[:, None]
    for part in field:
        means = [(weights * part).sum(axis, keepdims=True) / weights.sum(axis, keepdims=True) for axis in (0, 1)]
        line_residual += min(float((weights * (part - mean) ** 2).sum()) for mean in means)
        values = part.ravel() * root
        quadratic_residual += float(((values - quadratic @ np.linalg.lstsq(quadratic, values)[0]) ** 2).sum())
    steps = [np.mean((field[:, lag:] - field[:, : field.shape[1] - lag]) ** 2) for lag in (1, 2)]
    if steps[0] > steps[1]:  # rows that alternate
        return True
    energy = float((weights * field**2).sum())
    if quadratic_residual < (1 - QUADRATIC) * energy:
        return True
    return smoothness < ROUGH and line_residual < (1 - RULE) * energy


def _moments(pairs: Pairs) -> Float64[np.ndarray, "4"]:
    """The log of the mean change, and the shares of it that three small displacements explain."""
    change, *explained = (energy.sum() for energy in _energies(pairs))
    return np.array([np.log(max(pairs.change, 1e-12)), *(energy / max(change, 1e-12) for energy in explained)])


def _energies(pairs: Pairs) -> Float64[np.ndarray, "4 n"]:
    """Of each image, the energy of its change, and what three small displacements explain of it.

    They are a translation, an affine map, and a displacement around each place.
    """
    smooth = pairs.smooth
    change = smooth.shifted - smooth.reference
    n, _, h, w = change.shape
    padded = np.pad(smooth.reference, ((0, 0), (0, 0), (1, 1), (1, 1)))
    slope_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    slope_y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    factors = (1, *(grid(h, w) / max(h, w)).astype(np.float32))
    effects = [slope * factor for factor in factors for slope in (slope_x, slope_y)]
    columns = np.stack(effects, 1).reshape(n, len(effects), -1)
    target = change.reshape(n, -1)
    curvature = np.einsum("nkp,nlp->nkl", columns, columns).astype(np.float64)
    gradient = np.einsum("nkp,np->nk", columns, target).astype(np.float64)
    energies = [(change**2).sum((1, 2, 3), dtype=np.float64)]
    for k in (2, 6):
        ridge = 1e-6 * np.trace(curvature, axis1=1, axis2=2)[:, None, None] * np.eye(k) + 1e-9 * np.eye(k)
        solution = np.linalg.solve(curvature[:, :k, :k] + ridge, gradient[:, :k, None])[..., 0]
        energies.append((solution * gradient[:, :k]).sum(1))
    left = change - local_flow(smooth, WINDOW)
    return np.stack([*energies, energies[0] - (left**2).sum((1, 2, 3), dtype=np.float64)])
