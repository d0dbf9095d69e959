"""Budgets of the search for a shift: how many images and candidates each stage looks at.

They trade time against thoroughness. What decides a verdict stands in `thresholds`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchSettings:
    """All budgets, of images, candidates and trials. Smaller ones make a search faster and more likely to end in `unknown`."""

    # Pairs of images.
    fit: int = 300
    """Pairs that parameters are fitted to."""
    held: int = 200
    """Pairs that candidates are ranked on."""
    screened: int = 32
    """Held-out pairs for a first look at every candidate."""
    composed: int = 60
    """Pairs that compositions are fitted to."""
    refitted: int = 600
    """Pairs that a verdict's parameters are fitted to again: the ends of a range need many."""
    refitted_composition: int = 300
    """The same for a composition, whose fit takes long."""
    rounded: int = 100
    """Pairs for a fit with nearest neighbors."""

    # Candidates.
    judged: int = 10
    """Candidates that are judged under others' resampling too."""
    listed: int = 8
    """Candidates that a diagnosis names."""
    first_parts: int = 4
    """First parts of compositions, by what they explain with grey values free."""
    first_parts_as_they_are: int = 1
    """The same without that freedom."""
    likely: int = 2
    """First parts after which what fits well is looked for no further."""
    polished: int = 7
    """Compositions whose numbers are fitted together."""
    polished_of_three: int = 3
    """The same for three parts, and for simpler maps in the place of a general one."""
    extended: int = 2
    """Compositions of two parts to which a third is sought."""
    alike: int = 2
    """Compositions of the same families that are fitted."""
    turned: int = 3
    """Compositions of two that are also tried in the other order."""

    # Trials.
    simplex_trials: int = 45
    remakes: int = 3
    """Remakes of a random shift, whose mean is compared."""
    interval_parts: int = 8
    """Disjoint parts of the pairs, whose fits tell an interval."""
    interval_pairs: int = 60
    """Pairs in such a part, at most."""

    # Without partners.
    unpaired_look: int = 120
    """Images of the reference for a first look at every guess."""
    unpaired_fit: int = 400
    """For the fit of the promising ones."""
    unpaired_rank: int = 1000
    """For their ranking."""
    promising: int = 10
    final: int = 5
    halvings: int = 12
    """Halvings of the reference, which say what misfit chance leaves."""

    # Pairing.
    order_images: int = 1600
    """Images whose order is tested: more add nothing to a test that is won by 200."""
    partner_queries: int = 2000
    """Shifted images whose partners decide; fewer where the reference is large."""

    # The proof, and why a model minds.
    proved: int = 10_000
    """Images that are made again and undone."""
    gradients: int = 64
    """Images that a model is asked for its gradient on, to see whether it has one."""
    adversarial_images: int = 1000
    mechanism_images: int = 2000
    gradient_images: int = 500
    layer_images: int = 400
    places_images: int = 400
    separation_images: int = 1000
    separation_resamples: int = 30
    span_images: int = 2000
    unit_images: int = 500
    units: int = 4096
    """Units of a layer that are looked at."""
    mapped_pixels: int = 1024
    """Pixels for which a linear map of all of them to all is fitted."""
    reasons: int = 3
    """Mechanisms that are told; the others stand in the data."""
    pictured_candidates: int = 3

    # Ceilings.
    ceiling_quick: int = 5000
    """Training images of a quick estimate."""
    ceiling_known_quick: int = 20_000
    """Training images that neighbours are sought among, in a quick estimate."""
    ceiling_asked: int = 3000
    ceiling_asked_quick: int = 2000
    ceiling_resamples: int = 500
    neighbours_asked: int = 2000
    """Images that an oracle of nearest neighbours is asked for."""


SETTINGS = SearchSettings()
