"""What a search for a shift is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from shiftassay.diagnosis.paired.interpolation import interpolation_differences
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.remake import change_of
from shiftassay.diagnosis.settings import SETTINGS, SearchSettings
from shiftassay.execution.mapping import Count
from shiftassay.progress import Watch, unwatched
from shiftassay.shifts.estimation.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Task:
    """What a search is given: pairs to fit and to judge on, families, a seed and budgets.

    Shared parameters are fitted to `fit`, candidates scored on `held_out`. `watch` is told how far the search has come.
    """

    fit: Pairs
    held_out: Pairs
    families: Sequence[str]
    seed: int = 0
    settings: SearchSettings = SETTINGS
    watch: Watch = unwatched

    def counting(self, what: str) -> Count:
        """What counts the items of a stage of the search."""
        return partial(self.watch, what)

    @property
    def is_judged_on_fitted(self) -> bool:
        """Whether the pairs that candidates are fitted to are those that judge them."""
        return self.fit is self.held_out

    @cached_property
    def evaluation(self) -> EvaluationPairs:
        """The held-out pairs, on which candidates are scored."""
        return EvaluationPairs(self.held_out)

    @cached_property
    def screening(self) -> EvaluationPairs:
        """A few of them, on which every candidate is screened."""
        budget, pairs = self.settings, self.held_out
        few = pairs.first_affordable(budget.n_screened, budget.values_screened, budget.fewest_large // 2)
        return EvaluationPairs(few)

    @cached_property
    def composed(self) -> Pairs:
        """The pairs that compositions are fitted to."""
        budget, pairs = self.settings, self.fit
        return pairs.first_affordable(budget.n_composed, budget.values_composed, budget.fewest_large // 2)

    @cached_property
    def tolerance(self) -> float:
        """What implementations of a shift differ by, as a misfit.

        The mean square by which linear and cubic interpolation of these images differ, over all places between pixels,
        as a share of the change: of the smoother side, as a blur leaves less to interpolate, and noise adds to it.
        """
        change = change_of(self.held_out)
        sides = (self.held_out.reference, self.held_out.shifted)
        return min(float(interpolation_differences(side, change).mean()) for side in sides) / change
