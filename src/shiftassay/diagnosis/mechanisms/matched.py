"""A mechanism explains harm only if a harmless change of the same size lacks it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.controls import MATCHED
from shiftassay.diagnosis.mechanisms.case import Case, MatchedControl, Mechanism, extent_of, has_extent
from shiftassay.statistics.paired import difference_paired
from shiftassay.words.numbers import percent


def held_against_controls(mechanism: Mechanism, case: Case) -> Mechanism:
    """The mechanism, present only if no harmless control has it too.

    Controls are made of this very change, and as large. A control is harmless if it is shown to cost less than a fifth
    of the accuracy that the shift costs. Nothing is asked of a mechanism that is absent, where nothing was lost, or
    whose test has a control of its own.
    """
    if not (mechanism.present and has_extent(mechanism) and case.paired and case.dropped):
        return mechanism
    controls = case.memoized("controls", lambda: list(_controls(case)))
    measured = [
        MatchedControl(control.what, control.case.after, extent)
        for control in controls
        if control.harmless and (extent := extent_of(mechanism, control.case)) is not None
    ]
    if not measured:
        least = max(controls, key=lambda control: control.case.after)
        return replace(mechanism, control=MatchedControl(least.what, least.case.after, None))
    most = max(measured, key=lambda control: control.extent.value if control.extent else 0.0)
    return replace(mechanism, present=not most.refutes, sentence=_sentence(mechanism, most), control=most)


def without_harmless_control(mechanisms: Sequence[Mechanism]) -> list[str]:
    """A sentence on reasons without a harmless control; empty where there are none."""
    alone = [m for m in mechanisms if m.present and m.control is not None and not m.control.harmless]
    if not alone or alone[0].control is None:
        return []
    least = alone[0].control
    return [
        f"Not confirmed ({'; '.join(m.brief for m in alone)}): every change of this size that we made does harm, too, "
        f"so that none is a harmless control. The same change {least.what} harms least and leaves accuracy at "
        f"{percent(least.accuracy, 1)}."
    ]


@dataclass(frozen=True, eq=False)
class _Control:
    """A change as large as the shift's, and whether it is shown to do far less harm."""

    what: str
    case: Case
    harmless: bool


def _controls(case: Case) -> Iterator[_Control]:
    lost = case.before - case.after
    for what, make in MATCHED.items():
        control = case.with_shifted(make(case.reference, case.shifted, case.rng(f"control {what}")))
        gained, gone = (
            int((control.right_after & ~case.right_before).sum()),
            int((~control.right_after & case.right_before).sum()),
        )
        costs = -difference_paired(gained, gone, len(case.reference)).low
        yield _Control(what, control, costs < thresholds.HARMLESS * lost)


def _sentence(mechanism: Mechanism, control: MatchedControl) -> str:
    assert control.extent is not None
    harmless = f"The same change {control.what} is nearly harmless (accuracy {percent(control.accuracy, 1)}), and there"
    if control.refutes:
        return f"{harmless} too {control.extent.words}."
    return f"{mechanism.sentence} {harmless} {control.extent.words}."
