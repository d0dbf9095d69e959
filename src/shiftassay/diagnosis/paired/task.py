"""What a search for a shift is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shiftassay.diagnosis.paired.mismatch import Target
from shiftassay.diagnosis.settings import SETTINGS, SearchSettings
from shiftassay.shifts.estimation.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Task:
    """What a search is given: pairs to fit and to judge on, families, a seed and budgets.

    Parameters are fitted to some pairs, candidates judged on others.
    """

    fit: Pairs
    held_out: Pairs
    families: Sequence[str]
    seed: int = 0
    settings: SearchSettings = SETTINGS

    @cached_property
    def target(self) -> Target:
        """The held-out pairs, on which candidates are judged."""
        return Target(self.held_out)

    @cached_property
    def first_target(self) -> Target:
        """A few of them, for a first look."""
        return Target(self.held_out.first(self.settings.screened))
