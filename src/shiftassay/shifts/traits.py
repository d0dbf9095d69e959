"""What a family of shifts declares of itself, for diagnosis and repair.

They need not name any family.
"""

from collections.abc import Mapping
from typing import ClassVar

from shiftassay.shifts.parameters import Parameters, SearchRange


class Traits:
    """Attributes of a family, with the defaults of most families, or those of its group."""

    family: ClassVar[str]  # the name it is registered under
    group: ClassVar[str]
    why: ClassVar[str]
    """One sentence on why it hurts a network."""
    example: ClassVar[str] = ""
    """Parameters as on the command line: `angle=15`."""
    also_called: ClassVar[tuple[str, ...]] = ()
    """Other words for it, with which it may be asked for in vain."""
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Between what values a person sets a parameter that no search, grid or strength says it of."""

    # How it is estimated.
    smooth: ClassVar[bool] = False
    """Whether the picture moves, so that a fit converges from further away on blurred images."""
    tier: ClassVar[int] = 0
    """When it is tried: a tier only if those before leave a residual; from tier 2 on, not `composable`."""
    completed_by: ClassVar[tuple[str, ...]]
    """The groups in which a further part of a composition is sought once this family is estimated."""
    completes: ClassVar[tuple[str, ...]] = ()
    """The groups that this family completes although they don't name its own group."""
    found_as_first_part: ClassVar[bool]
    """Whether it can be estimated although a map of grey values, or something weaker, follows it."""
    derivative_free: ClassVar[tuple[str, ...]] = ()
    """The parameters without a derivative, which a simplex search fits."""
    strengths: ClassVar[tuple[float, float] | None] = None
    """Between what strengths it is looked for, if it is noise of one strength, which `derivative_free` names."""
    simulated: ClassVar[tuple[str, ...]] = ()
    """The numbers, of noise or of draws for each image, whose interval comes from remakes with other numbers."""
    joint_search: ClassVar[Mapping[str, SearchRange]] = {}
    """Parameters that only the fit of a whole composition refines."""

    # How it is judged.
    random: ClassVar[bool]
    """Whether it adds noise, which can't be inferred from the image."""
    covers: ClassVar[bool] = False
    """Whether it replaces some pixels, drawn at random, and leaves the others alone."""
    adds: ClassVar[bool] = False
    """Whether it adds something to the picture, which a blur or a move that follows changes by itself."""
    exact: ClassVar[bool]
    """Whether all implementations agree up to rounding."""
    general: ClassVar[bool] = False
    """Whether it has enough parameters to imitate a composition of simpler shifts."""
    extra_penalty: ClassVar[float] = 0.0
    """Its complexity penalty beyond that of its parameters, in units of log misfit (see `complexity_penalty`)."""
    orders: ClassVar[bool] = False
    """Whether it permutes parts of each image, so that with a permutation per image one picture can imitate another."""
    imitates_attack: ClassVar[bool] = False
    """Whether it can't be told from an adversarial attack without the model."""

    # What it has in common with others, for compositions.
    negative: ClassVar[bool] = False
    """Whether it exchanges black and white, and is its own inverse."""
    mirror: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    """Whether it is an affine map of positions with few parameters; two in a row look like a general affine map."""
    curve: ClassVar[bool] = False
    """Whether it is a map of grey values with one parameter; two in a row are fitted together."""
    point_spread: ClassVar[bool] = False
    """Whether it is a convolution with one point spread function."""
    hides_blur: ClassVar[bool] = False
    """Whether its result has two values, so that a blur before it can't be seen."""
    hides_moves: ClassVar[bool] = False
    """Whether its result has two values, and moves as the picture before it moved."""

    # How it is estimated from unpaired images.
    grid: ClassVar[tuple[Parameters, ...]] = ()
    """Starting parameters where there are no pairs."""
    refined: ClassVar[tuple[str, ...] | None] = None
    """The parameters that are refined where there are no pairs; None for all, if none is an integer."""
    screened: ClassVar[bool] = True
    """Whether a few images suffice to rank guesses without pairs."""

    @classmethod
    def composable(cls) -> bool:
        """Whether it is sought as a further part of a composition.

        The first part can also be of another family.
        """
        return cls.tier < 2
