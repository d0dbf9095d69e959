"""What a search for a shift is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.settings import SETTINGS, SearchSettings
from shiftassay.shifts.estimation.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Task:
    """What a search is given: pairs to fit and to judge on, families, a seed and budgets.

    Shared parameters are fitted to `fit`, candidates scored on `held_out`.
    """

    fit: Pairs
    held_out: Pairs
    families: Sequence[str]
    seed: int = 0
    settings: SearchSettings = SETTINGS

    @cached_property
    def evaluation(self) -> EvaluationPairs:
        """The held-out pairs, on which candidates are scored."""
        return EvaluationPairs(self.held_out)

    @cached_property
    def screening(self) -> EvaluationPairs:
        """A few of them, on which every candidate is screened."""
        return EvaluationPairs(self.held_out.first(self.settings.n_screened))
