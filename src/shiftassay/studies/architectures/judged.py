"""What the verdicts on claims have in common."""

from collections.abc import Sequence

from shiftassay.studies.architectures.module_effects import ModuleEffect
from shiftassay.words.numbers import brackets, p_value, points

Judged = tuple[str, str]
"""What was measured of a claim, and the verdict."""


def effect_of(effects: Sequence[ModuleEffect], module: str) -> ModuleEffect | None:
    """The effect of one module, if it could be estimated."""
    return next((effect for effect in effects if effect.module == module), None)


def effect_in_points(effect: ModuleEffect) -> str:
    size = f"{points(effect.estimate, sign=True)} {brackets(effect.interval)} points"
    return f"{size} (p {p_value(effect.p_corrected)})"
