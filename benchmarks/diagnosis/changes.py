"""Which verdicts on the listed cases changed since an earlier version, each with its reason."""

from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from benchmarks.markdown import markdown

BEFORE = "diagnosis-listed-before"
"""The results, in docs/results, that later ones are compared with."""

# By names of cases as `fnmatch` reads them, without brackets. The first that matches counts.
REASONS: tuple[tuple[str, str], ...] = (
    (
        "*row_permutation/draw0 + gaussian_blur*",
        "An order is found beneath a blur; where lines look alike, in parts.",
    ),
    ("*_permutation*", "Places that no image tells apart are listed, and not counted as wrong."),
    ("*fixed_pattern*bytes*", "A place that is always white lifts the darkest picture to white."),
    ("*each/*nearest*", "What each image drew is found about the centre that the shift was made with."),
    ("sample/label_noise*", "The verdict is the same; it is compared with the labels that did change."),
    ("unpaired/sign_noise*", "The step of an attack is read from grey values, without partners too."),
    ("unpaired/fog*", "Fog is known by how it decays over distances, without partners too."),
    ("fashion-unpaired/stripe*", "Lines are guessed better without partners."),
    ("left_out/defocus_blur:radius=2.5*", "Blurs are compared without their borders, which tells them apart."),
    ("fashion-geometry/perspective*", "Two maps that are drawn at random are told apart."),
    ("fashion-compose/rotate*jpeg*", "What leaves least is fitted, although it first costs more."),
    ("fashion-compose/translate*invert*", "Two simple maps are tried in the place of a general one."),
    ("compose/rotate*channel_order*", "Parts that commute are right in either order."),
    ("compose/motion_blur*shot_noise*", "Not solved: under this noise the direction of the blur is a degree off."),
    ("compose/gamma*transpose*", "Not solved: noise hides which curve came before it."),
    ("null/identity/fewer*", "Shares of classes differ as much in one of a hundred samples, and this is one."),
    ("left_out/gamma*", "A curve through points is the same in other words."),
    ("left_out/perspective*", "Another general map comes as near."),
    ("left_out/*_blur*", "Not solved: another blur, or two in a row, comes too near."),
    ("left_out/*", "Not solved: other parts in a row come too near."),
    (
        "*gaussian_blur*speckle_noise*",
        "Not solved: beneath noise a smaller picture made large again is as good as a blur.",
    ),
    ("unknown/unknown/dithered*", "Not solved: noise and a threshold make nearly the same dots."),
    ("*shear*fog*", "Not solved: it was wrong before, and is unknown now."),
    ("unpaired/threshold*", "Few pixels have values near the level, so sets of other pictures tell less of it."),
    (
        "fashion-compose/rotate*gaussian_noise*",
        "Not solved: it differs from its remakes by a little more than chance.",
    ),
    ("fashion-unpaired/fixed_pattern*", "Not solved: it differs from its remakes by a little more than chance."),
)


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
    changed = sorted(changes(before, now), key=lambda change: order.index(change.kind))
    rows = [
        (f"`{c.case}`", c.kind, f"`{c.before[0]}`", f"`{c.now[0]}`", c.reason or "not looked into") for c in changed
    ]
    common = sum(case in before["cases"] for case in now["cases"])
    worse, better, other = (sum(c.kind == kind for c in changed) for kind in order)
    note = (
        f"*{len(rows)} of {common:,} cases: {better} better, {worse} worse, {other} right or wrong as before with "
        f"another family. Before: commit {before['environment']['commit']}.*"
    )
    return markdown(("case", "is", "before", "now", "reason"), rows) + f"\n\n{note}"
