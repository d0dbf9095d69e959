"""A rubber sheet."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.flow import local_flow, shared_flow
from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.warp import displace, grid, sample

CHUNK = 2000
INVERSION_STEPS = 10  # of a fixed-point iteration that gains a digit or so at each
FLOW, COARSE, FINE = 300, 10, 28  # images: for the flow, for each start, and for what is tried next
WELL = 0.35  # of the change: if a field for all images leaves less, it is one for all
EXPLAINED = 0.2  # of the change, at least, by small displacements around each place
WINDOW = 2.0  # pixels around a place
RULE = 0.97  # of a field's energy: 75 draws of five smoothnesses had at most 0.87 of it odd, and 0.89 in lines below a smoothness of 5
QUADRATIC = 0.997  # 60 draws of smoothness 8 had at most 0.995
ROUGH = 5.0  # pixels: smoother fields hardly vary along a line
NEAR = np.array([0.05, 0.02, 0.02, 0.02])  # of the moments: about their standard errors


@FAMILIES.register("elastic")
@dataclass(frozen=True)
class Elastic(Shift):
    """Every pixel is fetched from a place nearby, as on a rubber sheet (Simard et al. 2003).

    The displacement in x and that in y are independent Gaussian noise, smoothed by a Gaussian of `smoothness` pixels (round
    the borders); `amplitude` is their standard deviation in pixels. `shared`: one `field`, drawn if none is given: h · w
    displacements in x, then as many in y, of the place that an output pixel is fetched from.
    """

    family: ClassVar[str] = "elastic"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "amplitude=1"
    tier: ClassVar[int] = 2
    approximate: ClassVar[bool] = True
    refined: ClassVar[tuple[str, ...] | None] = ("amplitude",)
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes wobble as in another handwriting: the digit is still there, but each of its parts stands a little elsewhere."
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
        return replace(self, field=tuple(self._fields(1, shape[1], shape[2], rng).ravel().tolist()))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return displace(images, self._displacements(images, rng))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Shared: the field by optical flow, pooled over images. Per image: amplitude and smoothness by simulated moments.

        A field's amplitude is its root mean square, its smoothness comes from how fast it changes over two pixels
        (the autocorrelation of smoothed white noise is exp(−r² / 4 smoothness²)), both where the images show it; beyond, it can't
        be identified. A field that is odd about the centre, quadratic, or whose components follow one coordinate each, is no draw but a rule (a
        swirl, a lens, a wave), which is not in the catalogue. The moments of an image: how far it is from its reference, and what the best small translation,
        the best small affine map and the best small displacement around each place explain of that.
        """
        h, w = pairs.reference.shape[2:]
        before, after = (np.abs(images).sum(dtype=np.float64) for images in (pairs.reference, pairs.shifted))
        if min(h, w) < 5 or pairs.change <= 1e-6 or not 0.4 * before < after < 2.5 * before:
            return []
        if pairs.contrast:  # a warp hardly changes the mean and the spread of grey values
            slope = pairs.reference.std() / max(float(pairs.shifted.std()), 1e-6)
            level = pairs.reference.mean() - slope * pairs.shifted.mean()
            pairs = replace(pairs, shifted=slope * pairs.shifted + level, contrast=False)
        few = pairs.first(max(FLOW // pairs.reference.shape[1], 24))
        field, told = shared_flow(few)
        left = few.errors(displace(few.reference, field[None])).mean() / max(few.change, 1e-12)
        if np.isfinite(field).all() and left < WELL:
            amplitude, smoothness = _strength(field, told)
            if _by_a_rule(field, told, smoothness):
                return []
            return [cls(amplitude, smoothness, tuple(map(float, field.ravel())))]
        found = _moments(few)
        if not np.isfinite(found).all() or found[3] < EXPLAINED:
            return []
        first = pairs.first(COARSE)

        def made(p: np.ndarray, part: Pairs, draws: int = 1) -> np.ndarray:
            """The moments of log amplitude and log smoothness, on average over draws, as `matched` takes them."""
            if not (-3 < p[0] < 2.5 and 0 < p[1] < 2.8):
                return np.full(len(NEAR), np.nan)
            how = cls(float(np.exp(p[0])), float(np.exp(p[1])), scope="per_image")
            rng = np.random.default_rng(0)
            simulated = [replace(part, shifted=how.apply(part.reference, rng)) for _ in range(draws)]
            return np.mean([_moments(pairs) for pairs in simulated], 0) / NEAR

        starts = np.log([(a, s) for s in (1.5, 2.5, 4.0, 7.0) for a in (0.4, 0.8, 1.5, 3.0)])
        step = np.array([0.2, 0.2])
        best, _ = matched(lambda p: made(p, first), _moments(first) / NEAR, starts, step, tries=5)
        part = pairs.first(FINE)
        for target in (found / NEAR, None):
            if target is None:  # the few images and draws are not quite like many
                target = found / NEAR + made(best, part) - made(best, few, 4)
            best, _ = matched(lambda p: made(p, part), target, best[None], step, tries=18)
        return [cls(float(np.exp(best[0])), float(np.exp(best[1])), scope="per_image")]

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        """A pixel at q was fetched to q + e where e = −d(q + e): found by iterating."""
        fields = self._displacements(images, rng)
        places = grid(*images.shape[2:])
        back = np.zeros_like(fields)
        for _ in range(INVERSION_STEPS):
            for start in range(0, len(fields), CHUNK):
                part = slice(start, start + CHUNK)
                back[part] = -sample(fields[part], places + back[part], "border")
        return displace(images, back)

    def _displacements(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        n, _, h, w = images.shape
        if self.scope == "per_image":
            return self._fields(n, h, w, rng)
        field = np.array(self.realize(images.shape[1:], rng).field, np.float32)
        if field.size != 2 * h * w:
            raise BadInput(f"elastic: its field has {field.size} numbers, images of {h} × {w} need {2 * h * w}.")
        return field.reshape(1, 2, h, w)

    def _fields(self, n: int, h: int, w: int, rng: np.random.Generator) -> np.ndarray:
        noise = rng.standard_normal((n, 2, h, w), np.float32)
        smooth = gaussian_filter(noise, (0, 0, self.smoothness, self.smoothness), mode="wrap")
        sd = np.prod([np.linalg.norm(gaussian_filter1d(np.eye(1, k)[0], self.smoothness, mode="wrap")) for k in (h, w)])
        return np.float32(self.amplitude / sd) * smooth


def _strength(field: np.ndarray, told: np.ndarray) -> tuple[float, float]:
    """The amplitude and smoothness of a field (2, h, w), where there is enough to tell it."""
    weights = told > 0.05 * told.mean()
    seen = np.broadcast_to(weights, field.shape)
    square = float(np.mean(field[seen] ** 2))
    lag = min(2, min(told.shape) - 1)
    steps = []
    for axis in (1, 2):
        both = np.take(weights, range(lag, weights.shape[axis - 1]), axis - 1) & np.take(
            weights, range(weights.shape[axis - 1] - lag), axis - 1
        )
        ahead, behind = (
            np.take(field, range(*ends), axis) for ends in ((lag, field.shape[axis]), (0, field.shape[axis] - lag))
        )
        steps.append((ahead - behind)[:, both] ** 2)
    changed = np.concatenate(steps, 1).mean() if sum(s.size for s in steps) else square
    alike = np.clip(1 - changed / max(2 * square, 1e-9), 0.05, 0.999)
    return float(np.sqrt(square)), float(np.clip(lag / (2 * np.sqrt(-np.log(alike))), 0, 100))


def _by_a_rule(field: np.ndarray, told: np.ndarray, smoothness: float) -> bool:
    """Whether a field (2, h, w) is odd about the centre, or its components quadratics, or functions of x or of y alone."""
    both = np.sqrt(told * told[::-1, ::-1])
    odd = (field - field[:, ::-1, ::-1]) / 2
    if (both * odd**2).sum() > RULE * (both * field**2).sum():
        return True
    weights, in_lines, bent = told + 1e-9 * told.max(), 0.0, 0.0
    root = np.sqrt(weights).ravel()
    x, y = grid(*told.shape) / max(told.shape)
    quadratic = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6) * root[:, None]
    for part in field:
        means = [(weights * part).sum(axis, keepdims=True) / weights.sum(axis, keepdims=True) for axis in (0, 1)]
        in_lines += min(float((weights * (part - mean) ** 2).sum()) for mean in means)
        values = part.ravel() * root
        bent += float(((values - quadratic @ np.linalg.lstsq(quadratic, values)[0]) ** 2).sum())
    steps = [np.mean((field[:, lag:] - field[:, : field.shape[1] - lag]) ** 2) for lag in (1, 2)]
    if steps[0] > steps[1]:  # rows that alternate
        return True
    whole = float((weights * field**2).sum())
    return bent < (1 - QUADRATIC) * whole or (smoothness < ROUGH and in_lines < (1 - RULE) * whole)


def _moments(pairs: Pairs) -> np.ndarray:
    """The log of the mean change, and the shares of it that three kinds of small displacements explain."""
    smooth = pairs.smooth
    change = smooth.shifted - smooth.reference
    n, _, h, w = change.shape
    total = max(float((change**2).sum(dtype=np.float64)), 1e-12)
    padded = np.pad(smooth.reference, ((0, 0), (0, 0), (1, 1), (1, 1)))
    x, y = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    moves = [part * by for by in (1, *(grid(h, w) / max(h, w)).astype(np.float32)) for part in (x, y)]
    columns = np.stack(moves, 1).reshape(n, len(moves), -1)
    target = change.reshape(n, -1)
    curvature = np.einsum("nkp,nlp->nkl", columns, columns).astype(np.float64)
    gradient = np.einsum("nkp,np->nk", columns, target).astype(np.float64)
    explained = []
    for k in (2, 6):
        ridge = 1e-6 * np.trace(curvature, axis1=1, axis2=2)[:, None, None] * np.eye(k) + 1e-9 * np.eye(k)
        solved = np.linalg.solve(curvature[:, :k, :k] + ridge, gradient[:, :k, None])[..., 0]
        explained.append((solved * gradient[:, :k]).sum() / total)
    left = change - local_flow(smooth, WINDOW)
    explained.append(1 - (left**2).sum(dtype=np.float64) / total)
    return np.array([np.log(max(pairs.change, 1e-12)), *explained])
