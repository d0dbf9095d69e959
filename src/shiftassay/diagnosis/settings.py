"""Budgets of a diagnosis: how many images and candidates each stage looks at.

They trade time against thoroughness. What decides a verdict stands in `thresholds`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchSettings:
    """All budgets, of images, candidates and trials.

    Smaller ones make a diagnosis faster and more likely to end in `unknown`.
    """

    # With partners: pairs of images.
    n_fit: int = 300
    """Pairs that parameters are fitted to."""
    n_held_out: int = 200
    """Pairs that candidates are scored on."""
    n_screened: int = 32
    """Held-out pairs on which every candidate is screened."""
    n_composed: int = 60
    """Pairs that compositions are fitted to."""
    values_fit: int = 900_000
    """Values, of all pixels and channels of these pairs, that parameters are fitted to at most: few large pictures."""
    values_held_out: int = 600_000
    """The same of held-out pairs."""
    values_screened: int = 150_000
    """The same of those on which every candidate is screened."""
    values_composed: int = 450_000
    """The same of pairs that compositions are fitted to."""
    values_simplex: int = 160_000
    """The same of those that a simplex fits parameters to, with noise."""
    values_refitted: int = 900_000
    """The same of pairs that the winner's parameters are fitted to again."""
    few: int = 8
    """Pairs up to which all are used both to fit parameters and to judge candidates."""
    fewest_large: int = 4
    """Pairs that are taken however large they are; half as many for screening and compositions."""
    nearest: int = 100
    """Pairs for a fit under nearest-neighbour resampling."""
    refitted: int = 600
    """Pairs that the winner's parameters are fitted to again: the ends of a range need many."""
    refitted_composition: int = 300
    """The same for a composition, whose fit takes long."""

    completed: int = 1000
    """Pairs that are looked at where pixels are left out, and have to be completed."""
    completed_rounds: int = 4
    """Rounds in which single shifts complete them, at most."""
    completed_searches: int = 2
    """Searches for a shift that fits beside them: the best candidate of one completes them for the other."""

    # With partners: candidates.
    n_scored: int = 10
    """Candidates that are scored on all held-out pairs, under every usual resampling."""
    listed: int = 8
    """Candidates that a diagnosis lists, each of other families or scopes."""
    n_first_parts: int = 5
    """First parts of compositions, chosen by what they explain if a linear map of grey values may follow."""
    n_unmodified_first_parts: int = 1
    """First parts, chosen by what they explain without such a map."""
    n_likely: int = 3
    """First parts that are completed first; if that fits well, the others are not."""
    n_completing: int = 2
    """First parts that are also tried with families which they complete, if nothing fitted until then."""
    joint_fits: int = 7
    """Compositions whose parameters are fitted together."""
    quick_fits: int = 12
    """Further compositions whose parameters are fitted together, to few pairs."""
    n_quickly: int = 12
    """Those pairs."""
    n_promising: int = 2
    """The best of these, which are fitted to all."""
    n_moved_noise: int = 2
    """Compositions of noise and a move after it that are fitted under every kernel that keeps noise."""
    n_nearest: int = 1
    """Compositions of smallest misfit that are fitted together, whatever their parameters cost."""
    n_covering: int = 2
    """Cheapest compositions with what covers at random that are fitted together, whatever they cost."""
    joint_fits_of_three: int = 3
    """The same for three parts, and for two simpler maps in the place of a general one."""
    n_extended: int = 2
    """Compositions of two parts to which a third is sought."""
    n_alike: int = 2
    """Compositions of the same families and scopes that are fitted, at most."""
    n_reversed: int = 3
    """The best compositions: those of two parts among them are also tried in the other order."""

    settled: int = 4
    """Parameters of a shift that fits, up to which nothing else is tried."""
    hopeless: float = 0.5
    """Misfit above which no third part is tried, no fit under nearest-neighbour resampling, and no null is made."""
    hopeless_without_noise: float = 0.1
    """The same of a shift without noise: implementations that differ by more would let anything pass."""
    reestimated: float = 0.1
    """Misfit up to which a null of estimated parameters is made, which takes a fit."""
    first_part: float = 0.9
    """Residual, as a share of the change, below which a shift explains something by itself."""
    by_value: float = 0.01
    """Share of the change that varies between pixels of one grey value, up to which only curves are composed."""
    tested: int = 6
    """Candidates, cheapest first, whose null distributions are made until one fits."""

    # With partners: trials.
    simplex_trials: int = 45
    """Evaluations of a fit by Nelder and Mead's simplex, at most."""
    simplex_rounds: int = 4
    """How often it goes on where it ended, as long as that pays."""
    remakes: int = 3
    """Remakes of a shift with noise, whose mean is compared."""
    interval_parts: int = 8
    """Disjoint parts of the pairs, whose fits give an interval."""
    interval_pairs: int = 60
    """Pairs in such a part, at most."""

    # Without partners.
    unpaired_look: int = 120
    """Images of the reference for a first look at every guess."""
    unpaired_fit: int = 400
    """Images for the fit of the promising guesses."""
    unpaired_rank: int = 1000
    """Images for their ranking."""
    promising: int = 10
    """Guesses that are fitted after the first look."""
    final: int = 5
    """Guesses that are fitted more closely and ranked."""
    near_best: float = 4.0
    """Times the best misfit, up to which a guess is fitted more closely."""
    unpaired_refined: int = 16
    """Trials of the last fit, of those whose null distributions are made."""
    unpaired_tested: int = 3
    """Candidates, best first, whose null distributions are made until one fits."""
    halvings: int = 12
    """Random halvings of the reference, which give the null of the misfit."""

    # Pairing.
    order_images: int = 1600
    """Images whose order is tested, at most: 200 are enough to win the test."""
    partner_queries: int = 2000
    """Shifted images whose partners decide; fewer where the reference is large."""

    # The proof, and why a model minds.
    proved: int = 10_000
    """Images that are remade and undone."""
    gradients: int = 64
    """Images that a model is asked for its gradient on, to see whether it has one."""
    adversarial_images: int = 1000
    """Images on which it is measured whether a change was aimed at the model."""
    mechanism_images: int = 2000
    """Images on which mechanisms are measured, unless less is said below; fewer where they are large."""
    mechanism_values: int = 1 << 24
    """Values of these images, at most, if they are more than the next."""
    fewest_for_mechanisms: int = 100
    """Images that are taken however large they are."""
    gradient_images: int = 500
    """Images for measures that need gradients; fewer where they are large."""
    gradient_values: int = 1 << 23
    """Values of these images, at most: 64 images, or more, are taken all the same."""
    layer_images: int = 400
    """Images whose activations are compared layer by layer."""
    places_images: int = 400
    """Images on which places are tried one by one."""
    separation_images: int = 1000
    """Images for the separation of classes."""
    separation_resamples: int = 30
    """Bootstrap resamples of the separation."""
    span_images: int = 2000
    """Training images whose span is taken."""
    unit_images: int = 500
    """Images whose activations are compared unit by unit."""
    units: int = 4096
    """Units of a layer that are looked at."""
    mapped_pixels: int = 1024
    """Pixels, at most, for which a linear map of all to all is fitted."""
    reasons: int = 3
    """Mechanisms that the explanation names; the others stand in the data."""
    pictured_candidates: int = 3
    """Candidates whose residuals are pictured."""

    # Ceilings.
    ceiling_quick: int = 5000
    """Training images of a quick estimate."""
    ceiling_known_quick: int = 20_000
    """Training images among which a quick estimate looks for nearest neighbours."""
    ceiling_asked: int = 3000
    """Shifted images whose nearest neighbours are looked for."""
    ceiling_asked_quick: int = 2000
    """The same in a quick estimate."""
    ceiling_resamples: int = 500
    """Bootstrap resamples of the limit of nearest neighbours."""
    neighbors_asked: int = 2000
    """Shifted images on which an oracle of nearest neighbours is judged."""


SETTINGS = SearchSettings()
