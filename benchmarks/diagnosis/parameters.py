"""How far a verdict's parameters may be from the truth: 5%, half a pixel, one degree; and what else is nearly equal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from benchmarks.diagnosis.build import Built, with_channels
from benchmarks.diagnosis.tellable import (
    LISTED,
    LISTED_UNPAIRED,
    RIGHT,
    told_by_pairs,
    told_by_samples,
)
from scipy.interpolate import PchipInterpolator, RectBivariateSpline

RELATIVE = 0.05
PIXELS = 0.5
DEGREES = 1.0
IN_PIXELS = {"dx", "dy", "top", "left", "height", "width", "length", "corners"}
FLOOR = {  # absolute tolerances, where 5% is less than can be asked for
    "sd": 0.003,
    "half_width": 0.003,
    "epsilon": 0.003,
    "amount": 0.004,
    "fraction": 0.01,
    "level": 0.02,
    "quality": 3.0,
    "offset": 0.01,
    "shade": 0.01,
    "fill": 0.01,
    "weights": 0.01,
    "matrix": 0.02,  # of colours
    "factor": 0.01,
    "proportions": 0.03,
}
ROUGH = {"gaussian_blur", "defocus_blur"}  # lengths whose half pixel would hide everything
LATENT = {"fog", "spatter", "zigzag", "dotted_line", "glass_blur", "canny_edges", "elastic"}
LATENT_TOLERANCE = 0.15  # parameters of how a random texture is made, which every image shows only a sample of
PATTERN, PATTERN_UNPAIRED = 0.15, 0.5  # of its sd; unpaired means differ by chance too
CURVE = 0.02  # of white
SUMMARY = 0.1  # of the range of what is drawn for each image: its mean, its sd


def compared(
    family: str, estimate: Mapping[str, Any], truth: Mapping[str, Any], built: Built, unpaired: bool = False
) -> list[str]:
    """What is off, in words; nothing if every parameter is right."""
    wrong = []
    for name, true in truth.items():
        if (
            family in ("elastic", "fixed_pattern")
            and ("field" in truth or "pattern" in truth)
            and name in ("amplitude", "smoothness", "sd")
        ):
            continue  # of one draw: the draw itself is compared
        if family == "reorder":
            continue  # judged by the pairing
        if name == "clip":
            continue
        if name not in estimate:
            wrong.append(f"{name} is missing")
            continue
        reason = _compare(family, name, estimate[name], true, built, estimate, unpaired)
        if reason:
            wrong.append(reason)
    return wrong


def _compare(
    family: str, name: str, estimate: Any, true: Any, built: Built, all_estimates: Mapping[str, Any], unpaired: bool
) -> str | None:
    if name == "permutation":
        return _permutation(family, estimate, np.asarray(true), built, all_estimates, unpaired)
    if name == "phases":
        return _phases(estimate, true, built)
    if family == "illumination":
        return _gains(estimate, true, built)
    if name in ("field", "pattern"):
        return _field(name, estimate, true, built, unpaired)
    if isinstance(true, bool):
        return None if estimate is true else f"{name} {estimate}, not {true}"
    if isinstance(true, str) or isinstance(estimate, str):
        return None if estimate == true else f"{name} {estimate}, not {true}"
    if isinstance(true, Mapping):
        return _summary(family, name, estimate, true, built)
    if isinstance(estimate, Mapping):
        estimate = estimate.get("mean")
    if name == "matrix" and family != "color_matrix":
        return _matrix(estimate, true, built)
    if name == "points":
        return _curve(estimate, true)
    if name in ("columns", "mapping"):
        return None if list(estimate) == list(true) else f"{name} {_show(estimate)}, not {_show(true)}"
    if name == "offset" and family == "label_misalignment":
        n = len(built.labels)
        return None if (estimate - true) % n == 0 else f"offset {estimate}, not {true}"
    difference = np.abs(np.asarray(estimate, float) - np.asarray(true, float))
    if name == "angle":
        turn = 180 if family == "motion_blur" and "fading" not in all_estimates else 360
        difference = np.minimum(difference % turn, turn - difference % turn)
    allowed = tolerance(family, name, true)
    return None if (difference <= allowed + 1e-9).all() else f"{name} {_show(estimate)}, not {_show(true)}"


def tolerance(family: str, name: str, true: Any) -> np.ndarray:
    """By how much a parameter may be off."""
    size = np.abs(np.asarray(true, float))
    if name == "angle":
        return np.full_like(size, DEGREES)
    if family == "motion_blur" and name == "fading":
        return 0.15 * size
    if family == "canny_edges" and name in ("low", "high"):
        return 0.5 * size  # hardly any slope lies between
    share = LATENT_TOLERANCE if family in LATENT else RELATIVE
    if name in IN_PIXELS and family not in LATENT:
        return np.maximum(RELATIVE * size, PIXELS)
    floor = 0.1 if family in ROUGH else 0.02 if family == "shear" else FLOOR.get(name, 0.0)
    return np.maximum(share * size, floor)


def _summary(family: str, name: str, estimate: Any, true: Mapping[str, Any], built: Built) -> str | None:
    """Drawn for each image: {mean, sd, low, high}, and values where they are few."""
    if not isinstance(estimate, Mapping):
        return f"{name} {_show(estimate)} is one number, though drawn for each image"
    if "values" in true:
        values = [np.asarray(v, float) for v in true["values"]]
        reported = _values(estimate)
        if reported is None:
            return f"{name}: no values, though there are {len(values)}"
        near = [[_alike(family, name, r, v, built) for r in reported] for v in values]
        hit = all(map(any, near)) and len(reported) == len(values)
        return None if hit else f"{name}: values {[_show(r) for r in reported]}, not {[_show(v) for v in values]}"
    low, high = true["low"], true["high"]
    mean, sd, width = (low + high) / 2, (high - low) / 12**0.5, high - low
    allowed = max(SUMMARY * width, float(np.max(tolerance(family, name, high))))
    off = [
        f"{key} {estimate[key]:.3g}, not {value:.3g}"
        for key, value in (("mean", mean), ("sd", sd))
        if key not in estimate or abs(estimate[key] - value) > allowed
    ]
    return f"{name}: {'; '.join(off)}" if off else None


def _alike(family: str, name: str, estimate: np.ndarray, true: np.ndarray, built: Built) -> bool:
    if estimate.shape != true.shape:
        return False
    if name == "matrix":
        return _matrix(estimate, true, built) is None
    return bool((np.abs(estimate - true) <= tolerance(family, name, true)).all())


def _values(estimate: Mapping[str, Any]) -> list[np.ndarray] | None:
    """The few discrete values of a summary, whichever way they are paired with their shares."""
    values = estimate.get("values")
    if values is None:
        return None
    if isinstance(values, Mapping):
        return [np.asarray(float(v)) for v in values]
    if all(isinstance(v, Mapping) for v in values):
        return [np.asarray(v["value"], float) for v in values]
    return [np.asarray(v, float) for v in values]


def _permutation(
    family: str, estimate: Any, true: np.ndarray, built: Built, all_estimates: Mapping[str, Any], unpaired: bool
) -> str | None:
    """A place is right if what it is said to show is what it shows: on these images many places show the same.

    Places listed as unidentified are not wrong; too many of those that the images tell are (see `tellable`).
    """
    estimate = np.asarray(estimate, int)
    if estimate.shape != true.shape:
        return f"permutation of {estimate.size}, not of {true.size}"
    pieces = _pieces(family, built.reference, all_estimates)
    listed = np.zeros(len(true), bool)
    listed[np.asarray(all_estimates.get("unidentified") or [], int)] = True
    if unpaired:
        restored = _pieces(family, built.shifted, all_estimates)[np.argsort(true)]
        told, most = told_by_samples(pieces, restored)[true], LISTED_UNPAIRED
    else:
        told, most = told_by_pairs(pieces, len(built.truth) > 1)[true], LISTED
    if (told & listed).sum() > most * told.sum():
        return (
            f"permutation: {(told & listed).sum()} of {told.sum()} places that can be told are listed as unidentified"
        )
    judged = ~listed & (pieces.std(1).max(1) > 0)[true]
    same = estimate == true
    for i in np.flatnonzero(~same & judged):
        same[i] = np.array_equal(pieces[estimate[i]], pieces[true[i]])
    share = same[judged].mean() if judged.any() else 1.0
    return None if share >= RIGHT else f"permutation: {share:.1%} of {judged.sum()} places right"


def _pieces(family: str, images: np.ndarray, estimate: Mapping[str, Any]) -> np.ndarray:
    """What moves, of images (n, h, w) or (n, c, h, w): (places, n, values)."""
    images = with_channels(images)
    n, c, h, w = images.shape
    if family == "row_permutation":
        return images.transpose(2, 0, 1, 3).reshape(h, n, -1)
    if family == "column_permutation":
        return images.transpose(3, 0, 1, 2).reshape(w, n, -1)
    b = int(estimate.get("block", 1)) if family == "block_permutation" else 1
    blocks = images.reshape(n, c, h // b, b, w // b, b).transpose(2, 4, 0, 1, 3, 5)
    return blocks.reshape((h // b) * (w // b), n, -1)


def _phases(estimate: Any, true: Any, built: Built) -> str | None:
    """The mean cosine of the differences, weighted by the amplitudes."""
    weight = np.abs(np.fft.rfft2(with_channels(built.reference))).mean((0, 1)).ravel()
    weight[0] = 0
    estimate = np.asarray(estimate, float)
    if estimate.size != weight.size:
        return f"phases: {estimate.size} of them, not {weight.size}"
    agreement = float((weight * np.cos(estimate - np.asarray(true))).sum() / weight.sum())
    return None if agreement >= 0.95 else f"phases: agreement {agreement:.2f}"


def _field(name: str, estimate: Any, true: Any, built: Built, unpaired: bool) -> str | None:
    """Where ink shows it: an elastic field to half a pixel, a pattern to a share of its sd."""
    estimate, true = np.asarray(estimate, float).ravel(), np.asarray(true, float)
    if estimate.size != true.size:
        return f"{name}: {estimate.size} numbers, not {true.size}"
    ink = with_channels(built.reference).std(0)
    if name == "field":
        weight = np.tile(ink.mean(0).ravel(), 2)
        error = float(np.sqrt((weight * (estimate - true) ** 2).sum() / weight.sum()))
        return None if error <= PIXELS else f"field: off by {error:.2f} pixels"
    # A pattern below black, or above white, is cut off where the picture is always black: any such value is right.
    shown = (ink.ravel() > 0.1) | (true > 0)
    error = float(np.sqrt(((estimate - true)[shown] ** 2).mean()) / true.std())
    return None if error <= (PATTERN_UNPAIRED if unpaired else PATTERN) else f"pattern: off by {error:.0%} of its sd"


def _gains(estimate: Any, true: Any, built: Built) -> str | None:
    """Splines through both fields of gains, where pictures are bright: to a twentieth."""
    images = with_channels(built.reference)
    places = [np.linspace(0, 1, side) for side in images.shape[2:]]
    weight = (images.astype(np.float64) ** 2).mean((0, 1))
    gains = []
    for field in (np.asarray(estimate, float), np.asarray(true, float)):
        ends = [np.linspace(0, 1, side) for side in field.shape]
        degrees = [min(3, side - 1) for side in field.shape]
        spline: Any = RectBivariateSpline(ends[0], ends[1], field, kx=degrees[0], ky=degrees[1])
        gains.append(spline(*places))
    error = float(np.sqrt((weight * (gains[0] - gains[1]) ** 2).sum() / (weight * gains[1] ** 2).sum()))
    return None if error <= RELATIVE else f"field: off by {error:.0%}"


def _matrix(estimate: Any, true: Any, built: Built) -> str | None:
    """How far the corners of the picture's middle, where ink is, land from where they should."""
    h, w = built.reference.shape[-2:]
    corners = np.array([[x * w / 3, y * h / 3, 1] for x in (-1, 1) for y in (-1, 1)])
    away = np.abs(corners @ (np.asarray(estimate, float) - np.asarray(true, float)).T).max()
    return None if away <= PIXELS else f"matrix: off by {away:.2f} pixels"


def _curve(estimate: Any, true: Any) -> str | None:
    """How far the curve through these points is from the true one, where that has points."""
    (before, after), (at, wanted) = (np.asarray(points, float).T for points in (estimate, true))
    off = float(np.abs(PchipInterpolator(before, after)(np.clip(at, before[0], before[-1])) - wanted).max())
    return None if off <= CURVE else f"points: off by {off:.3f}"


def _show(value: Any) -> str:
    array = np.asarray(value)
    if array.dtype == object or array.size > 12:
        return str(value)[:60]
    return np.array2string(array, precision=3, separator=",") if array.ndim else f"{value}"
