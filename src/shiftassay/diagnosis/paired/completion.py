"""A search where pixels are left out.

What the best candidate makes of them stands there, for the next estimates.
"""

from collections.abc import Callable

import numpy as np

from shiftassay.diagnosis.paired.candidate import Candidate, estimates, screened
from shiftassay.diagnosis.paired.left_out import completed, with_nearest
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.estimation.pairs import Pairs

SETTLED = 0.5 / 255  # a root mean square of what completed pixels still change by


def searched(
    pairs: Pairs, seed: int, split: Callable[[Pairs], Task], find: Callable[[Task], list[Candidate]]
) -> tuple[Pairs, tuple[Candidate, ...]]:
    """The pairs, completed by the best candidate, and the candidates, best first.

    At first by single shifts, each estimated from what the one before completed; then by what a search finds, once more
    where that does not fit.
    """
    if pairs.left_out is None:
        return pairs, tuple(find(split(pairs)))
    pairs = _completed_by_singles(with_nearest(pairs.first(SETTINGS.completed)), seed, split)
    candidates: tuple[Candidate, ...] = ()
    for _ in range(SETTINGS.completed_searches):
        candidates = tuple(find(split(pairs)))
        if not candidates:
            break
        pairs = completed(pairs, candidates[0].shift, candidates[0].remake.resampling, seed)
        if candidates[0].fits:
            break
    return pairs, candidates


@one_thread_each()
def _completed_by_singles(pairs: Pairs, seed: int, split: Callable[[Pairs], Task]) -> Pairs:
    """The pairs, completed by the single shift that explains most of the other pixels."""
    for _ in range(SETTINGS.completed_rounds):
        task = split(pairs)
        candidates = screened(estimates(task.families, task.fit), task)
        if not candidates:
            break
        last, pairs = pairs, completed(pairs, candidates[0].shift, candidates[0].remake.resampling, seed)
        if np.mean((pairs.shifted - last.shifted) ** 2, dtype=np.float64) < SETTLED**2:
            break
    return pairs
