"""The winner of a search, with its parameters fitted to more pairs than the search had time for."""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.joint import fitted_jointly
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.remake import remake
from shiftassay.errors import BadInput
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.fitting import summarized
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.moved import as_in
from shiftassay.shifts.parameters import PerImage
from shiftassay.shifts.warp import Resampling, resampled


def refitted(shift: Shift, pairs: Pairs, resampling: Resampling) -> Shift:
    """The same family and scope, fitted to all these pairs under this resampling.

    The shift is returned as it is if the new misfit is larger by more than `REFIT_MISFIT`.
    """
    evaluation = EvaluationPairs(pairs)
    with resampled(resampling):
        before = remake(shift, evaluation, all_resamplings=False)
        again = estimated_again(shift, pairs, before.inferred)
        if again is None:
            return shift
        after = remake(again, evaluation, all_resamplings=False)
    return again if after.misfit <= before.misfit + thresholds.REFIT_MISFIT else shift


def estimated_again(shift: Shift, pairs: Pairs, inferred: Shift | None = None) -> Shift | None:
    """The same family and scope, with parameters estimated from these pairs.

    None if they can't be estimated. `inferred`, if known, is the shift with per-image parameters inferred from them.
    """
    try:
        with as_in(shift):
            if isinstance(shift, Compose):
                return fitted_jointly(shift, pairs)
            if shift.scope == "per_image" and (summary := _summarized_again(shift, pairs, inferred)) is not None:
                return summary
            estimates = [in_normal_form(estimate) for estimate in type(shift).estimate(pairs)]
    except (BadInput, np.linalg.LinAlgError):
        return None
    alike = [e for e in estimates if type(e) is type(shift) and e.scope == shift.scope and e.variant == shift.variant]
    return alike[0] if alike else None


def _summarized_again(shift: Shift, pairs: Pairs, inferred: Shift | None) -> Shift | None:
    """The family with the distribution of its draws estimated again.

    The ends of a range need many images.
    """
    values_by_name = vars(inferred or shift.infer_draws(pairs) or shift)
    values = [d.values for name in shift.search if isinstance(d := values_by_name.get(name), PerImage)]
    if not values or len(values) < len(shift.search):
        return None
    return summarized(type(shift), np.stack(values, 1), pairs)
