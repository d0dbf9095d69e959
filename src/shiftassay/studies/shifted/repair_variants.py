"""What repairs of the model do on each variant."""

from collections.abc import Sequence

from shiftassay.repairs.repair import repair
from shiftassay.repairs.result import Repair
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.words.terminal import spoken

VERSION = 3


def repair_variants(context: StudyContext, names: Sequence[str]) -> dict[str, Repair]:
    """Each of these variants with its repairs, measured or read."""
    return {
        name: context.once(f"repair-{name}", Repair, VERSION, name, lambda name=name: repair_variant(context, name))
        for name in names
    }


def repair_variant(context: StudyContext, name: str) -> Repair:
    """Repair the model for a variant, by the study's own diagnosis of it.

    Each strategy is fitted to one half of its images and judged on the other.
    """
    clean, variant = context.argued_images(name)
    context.console.print(spoken(f"{name}: repairing"))
    argument = context.argument
    return repair(
        clean,
        variant,
        model=context.model,
        train=context.dataset.train,
        diagnosis=context.diagnoses[name].diagnosis,
        epochs=argument.epochs,
        quick=not argument.thorough,
        attacks=argument.attacks.budget,
        harmed=context.effects[name].harms,
    )
