"""Groups of families, and the defaults that the families of a group share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Defaults of a group's families; `Shift` documents each of them."""

    completed_by: tuple[str, ...] = ()
    found_as_first_part: bool = False
    random: bool = False
    exact: bool = False


GROUPS = {
    "geometry": Group(("intensity", "noise", "blur", "overlay"), found_as_first_part=True),
    "blur": Group(("intensity", "noise", "overlay"), found_as_first_part=True),
    "rearrangement": Group(("intensity", "noise", "blur"), found_as_first_part=True),
    "intensity": Group(("intensity", "noise", "overlay"), exact=True),
    "overlay": Group(("intensity", "noise")),
    "noise": Group(random=True),
    "attack": Group(),
    "framing": Group(),
    "none": Group(),
    "sample": Group(),
    "several": Group(),
}
