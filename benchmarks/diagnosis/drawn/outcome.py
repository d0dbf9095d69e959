"""What became of a drawn case: the verdict, whether it is right, and what the case was."""

from collections.abc import Mapping
from dataclasses import dataclass

from shiftassay.records import JsonValue, Record


@dataclass(frozen=True)
class Outcome(Record):
    """A case, the verdict on it, and what is right; None where there is nothing to judge."""

    case: str
    stratum: str
    index: int
    truth: str
    """The family, `compose` for several parts."""
    families: tuple[str, ...]
    """Of the parts; of nulls and of what is in no catalogue, the kind."""
    per_image: bool
    dataset: str
    stored: str
    """float, bytes or half."""
    images: int
    shifted_images: int
    seconds: float
    """On the clock; of the process's threads together, where a case has its own process: `cpu_seconds`."""
    cpu_seconds: float | None = None
    peak_mib: float | None = None
    """The largest resident size of the case's own process."""
    pairing: str | None = None
    strength: float | None = None
    """The rms change of pixels over their sd; None where images were chosen or reordered."""
    share: float = 1.0
    """Of the images that changed."""
    verdict: str = "error"
    scope: str | None = None
    confidence: float | None = None
    evidence: Mapping[str, JsonValue] | None = None
    """The numbers that confidence is computed from, as the verdict's JSON has them."""
    misfits: tuple[tuple[str, float], ...] = ()
    """Of the best candidates."""
    right: bool = False
    """Family and scope: what confidence is the probability of."""
    family: bool = False
    scope_right: bool | None = None
    parameters_right: bool | None = None
    pairing_right: bool | None = None
    share_right: bool | None = None
    information_right: bool | None = None
    order_right: bool | None = None
    alarm: bool | None = None
    """Of a null: whether the verdict names a shift of the pictures; None of other cases."""
    wrong: tuple[str, ...] = ()
    """What is off, in words."""
    error: str | None = None
