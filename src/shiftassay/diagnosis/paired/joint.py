"""Fitting the numbers of all parts of a composition together."""

from collections.abc import Set
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from shiftassay.diagnosis.paired.remake import moves, remake
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.errors import BadInput
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.fitting import refine, trimmed
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import PerImage, SearchRange
from shiftassay.shifts.warp import Resampling, resampled

NOT_ALLOWED = 1e6  # the misfit of numbers that a family does not allow
FIRST_STEP = 0.08  # of a number, for the simplex


def polished(how: Shift, pairs: Pairs) -> Shift:
    """The composition with the shared numbers of its parts fitted together.

    Without chance, by least squares. With it, least squares would shrink the noise: it says where pixels go, without
    the noise, which moves none. The other numbers are those whose remake differs least (see `simplex`). Where chance
    leaves most pixels alone, those tell all the other numbers (see `trimmed`).
    """
    if not isinstance(how, Compose):
        return how
    drawn = how.infer_draws(pairs) or how
    if any(part.random for part in how.parts):
        quiet = [i for i, part in enumerate(how.parts) if not part.random]
        parts = list(drawn.parts)
        still = tuple(parts[i] for i in quiet)
        exact = _least_trimmed(still, pairs) if any(part.covers for part in how.parts) else None
        moved = exact or _least_squares(still, replace(pairs, contrast=True), only=("geometry",))
        for i, part in zip(quiet, moved, strict=True):
            parts[i] = in_normal_form(part)
        known = {parts[i].group for i in quiet} if exact else {"geometry"}
        fitted = simplex(Compose(tuple(parts)), pairs, known=known)
    else:
        fitted = Compose(_least_squares(drawn.parts, pairs))
    # What was found out for these very images goes back to how it is drawn.
    parts = [
        old if any(isinstance(v, PerImage) for v in vars(new).values()) else in_normal_form(new)
        for old, new in zip(how.parts, fitted.parts, strict=True)
    ]
    return Compose(tuple(parts))


def noise_moves(how: Shift) -> bool:
    """Whether a picture moves that chance was added to before."""
    parts = how.components
    return any(part.random and any(map(moves, parts[i + 1 :])) for i, part in enumerate(parts))


def _least_squares(parts: tuple[Shift, ...], pairs: Pairs, only: tuple[str, ...] | None = None) -> tuple[Shift, ...]:
    joint = Joint(parts, groups=only)
    return joint.from_numbers(refine(joint, joint.begin[None], pairs)).parts if len(joint.begin) else parts


def _least_trimmed(parts: tuple[Shift, ...], pairs: Pairs) -> tuple[Shift, ...] | None:
    joint = Joint(parts)
    found = trimmed(joint, joint.begin[None], pairs) if len(joint.begin) else None
    return None if found is None else joint.from_numbers(found).parts


def simplex(
    how: Compose, pairs: Pairs, besides: tuple[str, ...] | None = None, known: Set[str] = frozenset({"geometry"})
) -> Compose:
    """The composition whose remake differs least (Nelder and Mead 1965); groups of shifts that are known stay as they are.

    Fitted are the numbers that have a derivative, and those named `besides`: by default the strengths of each part.
    """
    joint = Joint(how.parts, besides, tuple({part.group for part in how.parts} - known))
    begin = joint.begin
    if not len(begin):
        return how

    def misfit(moves: np.ndarray) -> float:
        try:
            remade = remake(joint.from_numbers(begin + scale * moves), pairs, others=False)
        except BadInput:
            return NOT_ALLOWED
        return remade.score if remade.chance else remade.misfit

    scale = np.maximum(np.abs(begin), joint.least_scale)
    corners = np.vstack([np.zeros(len(begin)), FIRST_STEP * np.eye(len(begin))])
    options = {"initial_simplex": corners, "maxfev": SETTINGS.simplex_trials, "xatol": 2e-3, "fatol": 2e-4}
    found = minimize(misfit, np.zeros(len(begin)), method="Nelder-Mead", options=options)
    return joint.from_numbers(begin + scale * found.x)


def rounded(how: Shift, pairs: Pairs, resampling: Resampling) -> Shift:
    """A shared shift with its numbers fitted as nearest neighbours need it (Nelder and Mead 1965): what is rounded has no slope."""
    few = pairs.first(SETTINGS.rounded)
    begin = how.candidate_draws()[0]

    def error(numbers: np.ndarray) -> float:
        try:
            return float(
                few.errors(type(how).from_numbers(numbers).apply(few.reference, np.random.default_rng(0))).mean()
            )
        except BadInput:
            return np.inf

    options = {
        "initial_simplex": np.vstack([begin, begin + 0.3 * np.diag(how.search_steps()[0])]),
        "maxfev": 30 * (1 + len(begin)),
    }
    with resampled(resampling):
        found = minimize(error, begin, method="Nelder-Mead", options=options)
    return type(how).from_numbers(found.x)


@dataclass(frozen=True)
class Joint:
    """A composition as a fit sees a family: the numbers of its parts in a row. What is drawn, or has no derivative, stays."""

    parts: tuple[Shift, ...]
    besides: tuple[str, ...] | None = ()
    """The numbers without a derivative that are fitted; None for the strengths of each part."""
    groups: tuple[str, ...] | None = None
    """Of the parts whose numbers are fitted; all if none are named."""

    @property
    def smooth(self) -> bool:
        return False

    @property
    def free(self) -> list[tuple[int, str]]:
        return [
            (i, name)
            for i, part in enumerate(self.parts)
            if self.groups is None or part.group in self.groups
            for name, value in vars(part).items()
            if isinstance(value, float) and (self._is_besides(part, name) or self._step(i, name))
        ]

    def _is_besides(self, part: Shift, name: str) -> bool:
        return name in (part.derivative_free if self.besides is None else self.besides)

    def _step(self, i: int, name: str) -> float | int:
        searched = self._searched(i, name)
        return searched.step if searched else 0

    def _searched(self, i: int, name: str) -> SearchRange | None:
        return self.parts[i].search.get(name) or self.parts[i].joint_search.get(name)

    @property
    def begin(self) -> np.ndarray:
        return np.array([getattr(self.parts[i], name) for i, name in self.free])

    @property
    def least_scale(self) -> np.ndarray:
        """A number's size where it happens to begin near 0."""
        return np.array([4 * self._step(i, name) for i, name in self.free])

    def search_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        searched = [self._searched(i, name) for i, name in self.free]
        step, low, high = (np.array([getattr(s, key) for s in searched]) for key in ("step", "low", "high"))
        return step, low, high

    def from_numbers_per_image(self, numbers: np.ndarray) -> Compose:
        raise NotImplementedError("a composition is fitted to all images together")

    def from_numbers(self, numbers: np.ndarray) -> Compose:
        parts = list(self.parts)
        for (i, name), value in zip(self.free, numbers, strict=True):
            parts[i] = replace(parts[i], **{name: float(value)})
        return Compose(tuple(parts))
