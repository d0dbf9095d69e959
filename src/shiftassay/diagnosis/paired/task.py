"""What a search is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftassay.diagnosis.settings import SETTINGS, SearchSettings
from shiftassay.shifts.estimation.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Task:
    """The pairs that parameters are fitted to, those that candidates are ranked on, the families, a seed and the budgets."""

    fit: Pairs
    held: Pairs
    families: Sequence[str]
    seed: int = 0
    settings: SearchSettings = SETTINGS
