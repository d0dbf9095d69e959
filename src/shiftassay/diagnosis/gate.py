"""Whether a verdict is the one that was expected, for scripts that stop where it is not."""

from shiftassay.diagnosis.verdict import UNKNOWN, Verdict
from shiftassay.errors import NotDone, unknown_name
from shiftassay.shifts.listing import families


def check_expected(family: str) -> None:
    """Raise `BadInput` for a name that no verdict has."""
    known = {*families(), UNKNOWN}
    if family not in known:
        raise unknown_name("family", family, known)


def hold_to(family: str, verdict: Verdict) -> None:
    """Raise `NotDone` unless the verdict is of that family.

    >>> from shiftassay.shifts.catalog import parse
    >>> hold_to("identity", Verdict(parse("invert"), {}, {}, 1.0, 0.99))
    Traceback (most recent call last):
    shiftassay.errors.NotDone: expected identity, and the verdict is invert, the same for all images; confidence 99%.
    """
    if verdict.family != family:
        raise NotDone(f"expected {family}, and the verdict is {verdict}.")
