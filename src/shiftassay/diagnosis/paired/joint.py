"""Fitting the parameters of all parts of a composition together."""

from collections.abc import Set
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from scipy.optimize import minimize

from shiftassay.diagnosis.paired.free_numbers import FreeNumbers
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.remake import blurs, moves, noise_moves, remake
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.fitting import good, refine, trimmed, without_outliers
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.moved import as_in
from shiftassay.shifts.parameters import PerImage, SearchRange
from shiftassay.shifts.warp import Resampling, resampled

NOT_ALLOWED = 1e6  # the misfit of parameters that a family does not allow
FEW_NUMBERS = 3  # that a simplex can fit beside those of noise
FITTED_BEFORE = frozenset({"geometry", "colour"})  # groups that least squares fit, whatever noise followed
FIRST_STEP = 0.08  # of a parameter, for the simplex
PAYS = 0.9  # of what a round of the simplex began with: what it has to reach for another round


def fitted_jointly(shift: Shift, pairs: Pairs) -> Shift:
    """The composition with its parts' shared parameters fitted together.

    A shift that is no composition stays as it is. By what the parameters are fitted:

    | composition | geometry | other parts without noise | parts with noise |
    | --- | --- | --- | --- |
    | without noise | least squares | least squares | |
    | noise on all pixels | least squares | `simplex`; colours as they were estimated | `simplex` |
    | noise that covers some pixels | least trimmed squares | least trimmed squares | `simplex` |
    | the same, then a blur or a move | least squares | least squares, then `simplex` | `simplex` |

    Without noise, parameters without a derivative are first set to the best of their starts; those of the last part are
    estimated again at the end. Least squares would shrink noise to none, as its draws can't be predicted. A blur
    spreads what covers over all pixels, a move over its neighbors: then trimming would not find pixels that are free of
    it.
    """
    if not isinstance(shift, Compose):
        return shift
    inferred = shift.infer_draws(pairs) or shift
    if any(part.random for part in inferred.parts):
        fitted = _with_noise(inferred, pairs)
    else:
        fitted = Compose(_least_squares(_from_starts(inferred.parts, pairs), pairs))
    parts = [in_normal_form(part) for part in as_drawn(fitted, shift, pairs).components]
    return last_part_again(Compose(tuple(parts)), pairs)


def last_part_again(shift: Shift, pairs: Pairs) -> Shift:
    """The composition with its last part estimated again, after the others.

    That is, if no fit of several parts can fit it.
    """
    last = shift.components[-1]
    fits = last.random or last.search or not last.derivative_free
    return shift if fits else _with_last_part_again(shift, pairs)


def last_noise_again(shift: Shift, pairs: Pairs) -> Shift:
    """The composition with its last part estimated again, after the others, if that is noise."""
    return _with_last_part_again(shift, pairs) if shift.components[-1].random else shift


def _with_last_part_again(shift: Shift, pairs: Pairs) -> Shift:
    """The shift itself if it has one part only, or if others are noise."""
    *others, last = shift.components
    if not others or any(part.random for part in others):
        return shift
    first = Compose(tuple(others))
    inferred = first.infer_draws(pairs) or first
    after = Pairs(inferred.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted)
    again = next((estimate for estimate in type(last).estimate(after) if estimate.scope == last.scope), last)
    return Compose((*others, in_normal_form(again)))


def simplex(
    shift: Compose,
    pairs: Pairs,
    derivative_free: tuple[str, ...] | None = None,
    fixed_groups: Set[str] = FITTED_BEFORE,
) -> Compose:
    """The composition whose remake differs least (Nelder and Mead 1965).

    It minimizes `Remake.fit_objective`, or the misfit of a shift without noise. Parts of the fixed groups stay as they
    are. Fitted are the parameters with a derivative, and those in `derivative_free`: by default each part's own.
    """
    joint = Joint(shift.parts, derivative_free, tuple({part.group for part in shift.parts} - fixed_groups))
    begin = joint.begin
    if not len(begin):
        return shift
    evaluation = EvaluationPairs(pairs.first_affordable(len(pairs), SETTINGS.values_simplex, 1))

    def objective(steps: np.ndarray) -> float:
        try:
            best = remake(joint.from_numbers(begin + scale * steps), evaluation, all_resamplings=False)
        except BadInput:
            return NOT_ALLOWED
        return best.fit_objective if best.noise_fraction else best.misfit

    scale = np.maximum(np.abs(begin), joint.least_scale)
    corners = np.vstack([np.zeros(len(begin)), FIRST_STEP * np.eye(len(begin))])
    least = objective(corners[0])
    for _ in range(SETTINGS.simplex_rounds):
        options = {"initial_simplex": corners, "maxfev": SETTINGS.simplex_trials, "xatol": 2e-3, "fatol": 2e-4}
        result = minimize(objective, corners[0], method="Nelder-Mead", options=options)
        corners, fell = result.final_simplex[0], result.fun < PAYS * least
        least = result.fun
        if result.success or not fell:
            break
    return joint.from_numbers(begin + scale * corners[0])


def fitted_to_nearest(shift: Shift, pairs: Pairs, resampling: Resampling) -> Shift:
    """A shared shift, fitted under nearest-neighbour resampling.

    A simplex fits it (Nelder and Mead 1965), as the gradient of such errors is zero almost everywhere.
    """
    few = pairs.first(SETTINGS.nearest)
    begin = shift.candidate_draws()[0]

    def error(numbers: np.ndarray) -> float:
        try:
            remade = type(shift).from_numbers(numbers).apply(few.reference, np.random.default_rng(0))
            return float(few.errors(remade).mean())
        except BadInput:
            return np.inf

    corners = np.vstack([begin, begin + 0.3 * np.diag(shift.search_steps()[0])])
    options = {"initial_simplex": corners, "maxfev": 30 * (1 + len(begin))}
    with as_in(shift), resampled(resampling):
        result = minimize(error, begin, method="Nelder-Mead", options=options)
        return type(shift).from_numbers(result.x)


def as_drawn(fitted: Shift, shift: Shift, pairs: Pairs | None = None) -> Shift:
    """The fitted shift, with what was inferred for some images as the shift draws it.

    Given the pairs, from which it was inferred, the limits of what is drawn are estimated again.
    """
    parts = []
    for new, old in zip(fitted.components, shift.components, strict=True):
        known = [f.name for f in fields(new) if isinstance(getattr(new, f.name), PerImage)]
        if known:
            drawn = old if pairs is None else _drawn_again(new, old, fitted, pairs)
            new = replace(drawn, **{f.name: getattr(new, f.name) for f in fields(old) if f.name not in known})
        parts.append(new)
    return Compose(tuple(parts)) if isinstance(shift, Compose) else parts[0]


def _drawn_again(inferred: Shift, part: Shift, fitted: Shift, pairs: Pairs) -> Shift:
    """The part with the distribution of what was inferred, if that is of the same kind."""
    values = [vars(inferred).get(name) for name in inferred.search]  # none of a number within a matrix
    drawn = [value.values for value in values if isinstance(value, PerImage)]
    if not drawn or len(drawn) < len(values):
        return part
    errors = pairs.errors(fitted.apply(pairs.reference, np.random.default_rng(0)))
    try:
        again = type(part).from_draws(np.stack(drawn, 1)[good(errors)])
    except BadInput:  # what its family does not allow
        return part
    alike = all(type(vars(again)[name]) is type(vars(part)[name]) for name in part.search)
    return again if alike else part


def _with_noise(inferred: Compose, pairs: Pairs) -> Compose:
    deterministic = [i for i, part in enumerate(inferred.parts) if not part.random]
    parts = list(inferred.parts)
    start = tuple(parts[i] for i in deterministic)
    trimmed_fit = _least_trimmed(start, pairs) if _leaves_pixels(inferred.parts) else None
    groups = ("geometry", "blur") if _is_spread(inferred.parts) else ("geometry",)
    fitted = trimmed_fit or _least_squares(start, replace(pairs, contrast=True), only=groups)
    for i, part in zip(deterministic, fitted, strict=True):
        parts[i] = in_normal_form(part)
    begun = Compose(tuple(parts))
    fixed_groups = {parts[i].group for i in deterministic} if trimmed_fit else FITTED_BEFORE
    if noise_moves(begun) and len(Joint(begun.parts).begin) <= FEW_NUMBERS:
        fixed_groups = frozenset()  # noise that moves shows by itself how it was moved
    return simplex(begun, pairs, fixed_groups=fixed_groups)


def _is_spread(parts: tuple[Shift, ...]) -> bool:
    """Whether a blur, or a move by fractions of a pixel, follows what covers some pixels."""
    covering = next((i for i, part in enumerate(parts) if part.random and part.covers), len(parts))
    return any(blurs(part) or moves(part) for part in parts[covering:])


def _leaves_pixels(parts: tuple[Shift, ...]) -> bool:
    """Whether what covers at random leaves some pixels as the other parts make them."""
    return any(part.covers for part in parts) and not _is_spread(parts)


def _least_squares(parts: tuple[Shift, ...], pairs: Pairs, only: tuple[str, ...] | None = None) -> tuple[Shift, ...]:
    joint = Joint(parts, groups=only)
    return joint.from_numbers(refine(joint, joint.begin[None], pairs)).parts if len(joint.begin) else parts


def _from_starts(parts: tuple[Shift, ...], pairs: Pairs) -> tuple[Shift, ...]:
    """The parts, each but the last with its best starts.

    That is, of every shared parameter without a derivative.
    """
    for i, part in enumerate(parts[:-1]):
        for name, searched in part.search.items() if part.scope == "shared" else ():
            if not searched.step and isinstance(vars(part).get(name), int | float):
                tried = [
                    Compose((*parts[:i], replace(parts[i], **{name: value}), *parts[i + 1 :]))
                    for value in searched.starts
                ]
                parts = min(tried, key=partial(error_of, pairs=pairs)).parts
    return parts


def error_of(shift: Shift, pairs: Pairs) -> float:
    """The mean square of what a shift leaves; infinite where it can't be applied."""
    try:
        return float(pairs.errors(shift.apply(pairs.reference, np.random.default_rng(0))).mean())
    except BadInput:
        return np.inf


def _least_trimmed(parts: tuple[Shift, ...], pairs: Pairs) -> tuple[Shift, ...] | None:
    joint = Joint(parts)
    numbers = trimmed(joint, joint.begin[None], pairs) if len(joint.begin) else None
    return None if numbers is None else joint.from_numbers(numbers).parts


def uncovered(shift: Shift, pairs: Pairs) -> Images | None:
    """1 at the values that noise leaves as the other parts make them, 0 at those that it covers.

    None if a fit of the other parts does not tell which those are.
    """
    joint = Joint(tuple(part for part in shift.components if not part.random))
    if not _leaves_pixels(shift.components) or not len(joint.begin):
        return None
    numbers = trimmed(joint, joint.begin[None], pairs)
    return None if numbers is None else without_outliers(joint, numbers, pairs)


@dataclass(frozen=True)
class Joint:
    """A composition with the interface that the optimizer expects of a family.

    Its vector of numbers has the parameters of all parts in a row. Parameters that are drawn for each image stay fixed,
    and so do those without a derivative, unless `derivative_free` has them.
    """

    parts: tuple[Shift, ...]
    derivative_free: tuple[str, ...] | None = ()
    """The parameters without a derivative that are fitted, by name; None for those that each part declares."""
    groups: tuple[str, ...] | None = None
    """The groups of parts whose parameters are fitted; None for all."""

    @property
    def smooth(self) -> bool:
        """False: a fit begins near the optimum, so it needs no blurred images."""
        return False

    @property
    def free(self) -> list[tuple[int, str]]:
        """The parameters that are fitted: which part, and the name."""
        return [
            (i, name)
            for i, part in enumerate(self.parts)
            if self.groups is None or part.group in self.groups
            for name in _numbers(part)
            if self._without_derivative(part, name) or self._step(i, name)
        ]

    @property
    def begin(self) -> np.ndarray:
        numbers = [_numbers(part) for part in self.parts]
        return np.array([numbers[i][name] for i, name in self.free])

    @property
    def least_scale(self) -> np.ndarray:
        """The size of a parameter that begins near 0."""
        return np.array([4 * self._step(i, name) for i, name in self.free])

    def search_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each parameter: the step of its finite differences, its lower and its upper limit."""
        ranges = [self._range(i, name) for i, name in self.free]
        step, low, high = (np.array([getattr(r, key) for r in ranges]) for key in ("step", "low", "high"))
        return step, low, high

    def from_numbers(self, numbers: np.ndarray) -> Compose:
        fitted: dict[int, dict[str, float]] = {}
        for (i, name), value in zip(self.free, numbers, strict=True):
            fitted.setdefault(i, {})[name] = float(value)
        return Compose(tuple(_with_numbers(part, fitted.get(i, {})) for i, part in enumerate(self.parts)))

    def from_numbers_per_image(self, numbers: np.ndarray) -> Compose:
        raise NotImplementedError("a composition is fitted to all images together")

    def _without_derivative(self, part: Shift, name: str) -> bool:
        return name in (part.derivative_free if self.derivative_free is None else self.derivative_free)

    def _step(self, i: int, name: str) -> float | int:
        searched = self._range(i, name)
        return searched.step if searched else 0

    def _range(self, i: int, name: str) -> SearchRange | None:
        return self.parts[i].search.get(name) or self.parts[i].joint_search.get(name)


def _numbers(part: Shift) -> dict[str, float]:
    """The numbers of a part by name: its real parameters, or those of its shared matrix."""
    if _has_matrix(part):
        (numbers,) = part.candidate_draws()
        return dict(zip(part.search, map(float, numbers), strict=True))
    return {name: value for name, value in vars(part).items() if isinstance(value, float)}


def _with_numbers(part: Shift, numbers: dict[str, float]) -> Shift:
    """The part with other numbers."""
    if numbers and _has_matrix(part):
        return FreeNumbers(part, (part.differentiable,)).with_values(np.array(list(numbers.values())))
    return replace(part, **numbers) if numbers else part


def _has_matrix(part: Shift) -> bool:
    """Whether the numbers of a shared shift are those of one matrix.

    Then they are no parameters by themselves.
    """
    return bool(part.search) and part.scope == "shared" and not part.search.keys() <= vars(part).keys()
