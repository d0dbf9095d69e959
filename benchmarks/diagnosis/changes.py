"""Which verdicts on the listed cases changed since an earlier version, each with its reason."""

from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from benchmarks.markdown import markdown

BEFORE = "diagnosis-listed-before"
"""The results, in docs/results, that later ones are compared with."""

# By names of cases as `fnmatch` reads them, without brackets. The first that matches counts.
REASONS: tuple[tuple[str, str], ...] = ()


class Change(NamedTuple):
    """A case with what was said of it before and now: the family named, and what is wrong with the verdict."""

    case: str
    before: tuple[str, str]
    now: tuple[str, str]

    @property
    def kind(self) -> str:
        if bool(self.before[1]) == bool(self.now[1]):
            return "other"
        return "worse" if self.now[1] else "better"

    @property
    def reason(self) -> str | None:
        """None if it is not known."""
        plain = self.case.replace("[", "").replace("]", "")
        return next((reason for pattern, reason in REASONS if fnmatchcase(plain, pattern)), None)


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    """The cases of both whose family, or whether it is right, differs; in the order of the later results."""
    pairs = ((case, before["cases"].get(case), record) for case, record in now["cases"].items())
    both = [Change(case, (old[0], old[2]), (new[0], new[2])) for case, old, new in pairs if old]
    return [c for c in both if c.before[0] != c.now[0] or bool(c.before[1]) != bool(c.now[1])]


def changes_table(before: dict[str, Any], now: dict[str, Any]) -> str:
    """A row for each, those that are worse first."""
    order = ("worse", "better", "other")
    rows = [
        (f"`{c.case}`", c.kind, c.before[0], c.now[0], c.reason or "")
        for c in sorted(changes(before, now), key=lambda change: order.index(change.kind))
    ]
    common = sum(case in before["cases"] for case in now["cases"])
    note = f"*{len(rows)} of {common:,} cases; before: commit {before['environment']['commit']}.*"
    return markdown(("case", "is", "before", "now", "reason"), rows) + f"\n\n{note}"
