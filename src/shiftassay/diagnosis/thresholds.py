"""What decides a verdict: every limit in one place, with its unit and where it comes from.

`Misfit` is the share of the change that a remake leaves unexplained, plus its mismatch in what is random (see `paired.remake`).
Where no other source is named, a limit was chosen on cases of the diagnosis benchmark of seeds other than its test seed 13.
"""

# Paired: which candidate wins, and whether it fits.
NO_MISFIT = 0.008  # misfit that means nothing: resampling and rounding of others' code
NO_MISFIT_OF_NEIGHBOURS = (
    0.04  # the same for general maps under nearest neighbours, whose many numbers fit what falls to either side
)
EXACT_MISFIT = 0.006  # largest misfit of a verdict that no other code could make another way
BLURRED_MISFIT = 0.0075  # of a blur
SURE_MISFIT = 0.06  # of others without anything random
SHARED_MISFIT = 0.0235  # of several in a row, no rearrangement among them, each the same for all images
NOISE_MISFIT = 0.085  # of noise alone
COMPOSED_MISFIT = 0.1  # of several in a row, if all is random
RANDOM_MISFIT = 0.15  # of others, if all is random
STRICTNESS = 3  # times that the misfit counts, where pixels only change their values or places: no other code does it another way
STRAIN = 0.5  # per unit of complexity beyond `FREE_COMPLEXITY`: the logarithm by which less is tolerated
FREE_COMPLEXITY = 0.5  # a shift of one or two numbers
FAINT = 0.015  # of the change: noise with less of it is no part of a shift, but imitates what the others do not fit
IMITATED = (
    0.01  # weighed misfit above which a permutation that keeps neighbours together only imitates something smooth
)
PERFECT = 0.02  # weighed misfit below which nothing with more numbers is looked for
GOOD = 0.06  # the same for what is random
HOPELESS = 0.5  # misfit of two parts, from which on no third is looked for
WORTHWHILE = 0.9  # of the change: what leaves more is no first part
BY_VALUE = 0.01  # of the change: what varies between pixels of one value, if values alone changed
AS_GOOD = 0.01  # misfit within which two descriptions are equally good
NO_WORSE = 0.002  # misfit: what chance alone makes of a fit to more pairs

# Complexity, in units of the logarithm of the misfit: what a better fit must gain to pay for its freedom.
NUMBER = 0.3  # per doubling of 1 + the numbers
DRAWN = 0.3  # for numbers that are chosen for each image
ORDERS = 3.0  # an order of blocks, rows or columns for each image
PART = 0.25  # for each part of a composition beyond the first
RANDOM = 0.7  # for leaving all of the change to chance: who tells where every pixel goes knows more
COMPLEX = 1.0  # from which on two simpler shifts in a row may be cheaper

# Confidence.
LEAST_MISFIT = 3e-4  # below which nothing more is learned
PER_DISTANCE, PER_MARGIN, UNKNOWN_MARGIN = (
    1.2,
    1.0,
    1.0,
)  # of the logit: per logarithm of distance from the limit, per lead, and for no verdict
LARGEST_MARGIN = 3.0
NO_RIVAL = 5.0  # lead of the only candidate
EVEN_ODDS = 0.5  # confidence below which a composition is no verdict; that of what a few images show
SAME_IMAGES = 0.99  # confidence that images which are the same up to rounding are

# Which images changed.
FEWEST_IMAGES = 50  # for a diagnosis
FEWEST_CHANGED = 12  # images, from which on those that changed are looked at alone
UNCHANGED = 0.03  # share of images exactly as they were, from which on the shift touched only some

# Whether a change may be an attack's: about as large on every image, and nowhere large.
EVEN_SIZE = 0.1  # coefficient of variation, over images, of their largest change or of its length
LARGEST_CHANGE = 0.5  # mean over images, of the range of values

# Unpaired.
UNPAIRED_MISFIT = 2.5  # times the null, from which on nothing in the catalogue fits
SAME_SOURCE = (
    3.0  # times the mean distance of halves: what 350 pairs of fresh samples of MNIST were apart at most is 2.9
)
UNPAIRED_WEIGHT = 3.0  # of the misfit against complexity: misfits are of images that nothing was fitted to
NEAR_BEST = 4.0  # times the best misfit, up to which a candidate is fitted more closely
UNPAIRED_LOGIT = 0.5  # at the limit
UNPAIRED_NO_RIVAL = 2.0  # lead of the only candidate

LEVEL = 0.95  # of intervals
