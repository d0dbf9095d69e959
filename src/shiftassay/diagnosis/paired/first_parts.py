"""First parts of compositions: shifts that explain some of the change, whatever followed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shiftassay.diagnosis.paired.candidate import Candidate, estimates
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.remake import change_of, moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.warp import Resampling, current_resampling, resampled

AGREE = 1.5 / 255  # within which pixels agree on what their grey value became
ALL_FOLLOW = 0.995  # of the pixels: above, nothing is covered
POSSIBLE_RESAMPLINGS = (
    Resampling("bicubic"),
    Resampling("bilinear", 0.5),
    Resampling("bicubic", 0.5),
)
CLEARLY = 1.1  # times the error of a simpler map
NOISE = 0.95  # of the least residual of a first part: what is taken for noise, which no first part explains
LEAST_EXPLAINED = 2e-3  # of what a linear map of grey values leaves


def first_parts(singles: list[Candidate], fit: Pairs, task: Task) -> list[Shift]:
    """First parts of compositions: shifts without noise, in three groups.

    - evident: what a family can tell whatever followed, such as the order of channels, and maps of grey values that
      most pixels agree on;
    - chosen: of each class, those of least cost up to a linear map of grey values (`contrast`), which stands for the
      unknown second part. Those that explain something, alone or beside such a map, come before the others, which may
      be mirrors;
    - unmodified: those of smallest residual without such a map.
    """
    budget, held_out = task.settings, task.held_out.first(task.settings.n_composed)
    # By the unweighted residual: whether implementations agree is of no use before the other part is known.
    change = change_of(held_out)
    residuals = {
        c.shift: float(np.mean(c.remake.residual**2)) / change
        for c in singles
        if c.remake.noise_fraction == 0 and not _explains_any_change(c.shift)
    }
    by_residual = sorted(residuals, key=lambda shift: residuals[shift])
    beginning = [f for f in task.families if FAMILIES[f].found_as_first_part and FAMILIES[f].composable()]
    estimated = estimates(beginning, Pairs(fit.reference, fit.shifted, contrast=True))
    screening = Pairs(held_out.reference, held_out.shifted, contrast=True).first(budget.n_screened)
    up_to_tone = {shift: _residual_up_to_linear_tone(shift, screening, task) for shift in (*by_residual, *estimated)}
    tone_alone = _residual_up_to_linear_tone(Identity(), screening, task)
    explains = {
        shift: residuals.get(shift, np.inf) < budget.first_part
        or up_to_tone[shift] < (1 - LEAST_EXPLAINED) * tone_alone
        for shift in up_to_tone
    }
    possible = {
        shift: residual
        for shift, residual in up_to_tone.items()
        if residual < np.inf and (explains[shift] or shift in estimated) and not _explains_any_change(shift)
    }
    # What noise leaves under every first part says nothing of which is better.
    floor = NOISE * min(possible.values(), default=0.0)
    costs = [
        (not explains[shift], float(np.log(residual - floor + task.tolerance)) + complexity_penalty(shift), shift)
        for shift, residual in possible.items()
    ]
    costs.sort(key=lambda cost: cost[:2])
    chosen = _of_each_class([shift for _, _, shift in costs if shift.group != "none"], budget.n_first_parts)
    others = by_residual[: budget.n_unmodified_first_parts]
    unmodified = [s for s in others if all((type(s), s.variant) != (type(c), c.variant) for c in chosen)]
    evident = [shift for f in task.families for shift in FAMILIES[f].evident_first_parts(fit)]
    evident += _beneath_what_covers(fit, task)
    return evident + chosen + unmodified


def _of_each_class(shifts: Sequence[Shift], count: int) -> list[Shift]:
    """The first shift of each class, and after one per image the first that is shared.

    What follows may only make its parameters seem to differ between images: a map of grey values that is not linear.
    """
    chosen: list[Shift] = []
    for shift in shifts:
        alike = [c for c in chosen if type(c) is type(shift)]
        first_shared = shift.scope == "shared" and all(c.scope == "per_image" for c in alike)
        if first_shared if alike else len({type(c) for c in chosen}) < count:
            chosen.append(shift)
    return chosen


def _beneath_what_covers(pairs: Pairs, task: Task) -> list[Shift]:
    """Maps of grey values that most pixels of each value agree on, while others are covered.

    The two of least cost. They are estimated from the median of what each grey value became, as covered pixels are
    outliers.
    """
    values = np.clip(np.rint(pairs.reference * 255), 0, 255).astype(np.int64)
    order = np.lexsort((pairs.shifted.ravel(), values.ravel()))
    counts = np.bincount(values.ravel(), minlength=256)
    middle = np.cumsum(counts) - counts + counts // 2
    became = pairs.shifted.ravel()[order][np.minimum(middle, order.size - 1)]
    follows = np.abs(pairs.shifted - became[values]) < AGREE
    lit = values > values.min()
    if not min(follows[lit].mean() if lit.any() else 0, follows[~lit].mean()) > 0.5 or follows.mean() > ALL_FOLLOW:
        return []
    uncovered = Pairs(pairs.reference, became[values])
    tones = [f for f in task.families if FAMILIES[f].group == "intensity" and FAMILIES[f].composable()]
    shared = [shift for shift in estimates(tones, uncovered) if shift.scope == "shared"]
    errors = {s: float(uncovered.errors(s.apply(pairs.reference, np.random.default_rng(0))).mean()) for s in shared}
    unmapped = float(uncovered.errors(pairs.reference).mean())
    explaining = [shift for shift in shared if errors[shift] < unmapped / 2]
    costs = {s: float(np.log(errors[s] / unmapped + task.tolerance)) + complexity_penalty(s) for s in explaining}
    return sorted(explaining, key=lambda s: costs[s])[:2]


def best_resampling(firsts: list[Shift], pairs: Pairs) -> Resampling:
    """The resampling under which a first part that moves the picture leaves least.

    That is up to a linear map of grey values. What comes after is estimated from what the move leaves: another kernel
    would seem a blur, or noise, and another centre a further move. A general map could absorb that move, so it must be
    clearly better.
    """
    view, errors = replace(pairs, contrast=True), {}
    for shift in (s for s in firsts if moves(s) and not s.random):
        inferred = shift.infer_draws(view) or shift
        for resampling in (current_resampling(), *POSSIBLE_RESAMPLINGS):
            with resampled(resampling):
                remade = inferred.apply(pairs.reference, np.random.default_rng(0))
            error = float(np.median(view.errors(remade))) * (CLEARLY if shift.general else 1)
            errors[resampling] = min(error, errors.get(resampling, np.inf))
    return min(errors, key=lambda resampling: errors[resampling], default=current_resampling())


def _explains_any_change(shift: Shift) -> bool:
    """Whether it permutes parts of each image, or maps each by a general map, in its own way.

    That explains some of any change.
    """
    return (shift.orders or shift.general) and shift.scope == "per_image"


def _residual_up_to_linear_tone(shift: Shift, pairs: Pairs, task: Task) -> float:
    """What a first part leaves with a linear map of grey values free, as a share of the variance.

    Infinite for one that draws noise.
    """
    inferred = shift.infer_draws(pairs) or shift
    remade = inferred.apply(pairs.reference, np.random.default_rng(task.seed))
    if not np.array_equal(remade, inferred.apply(pairs.reference, np.random.default_rng(task.seed + 1))):
        return np.inf
    return float(pairs.errors(remade).mean()) / max(float(pairs.shifted.var()), 1e-9)
