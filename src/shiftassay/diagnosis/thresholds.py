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

# Which images are partners. Chosen on simulated sets of MNIST; `docs/results/pairing.json` says how often they err.
FOUND_ELSEWHERE = (
    0.05  # share of images found, value for value, at another place only, from which on the order is another one
)
FEWEST_SOUGHT = 50  # images: among fewer, chance makes partners of images that are hardly different
SHARED_MOST, SHARED_MOSTLY, SHARED_NEARLY_ALL = (
    0.5,
    0.6,
    0.9,
)  # of the images, in both sets; a third are by chance, of things that come again
GAPS_BY_CHANCE = 0.9  # quantile of the gaps that images leave which are no partners
MUTUAL = (
    0.7  # of the shifted images must be their nearest's nearest: of images of a few specks more than half are by chance
)
NEARER_THAN_CHANCE = 0.25  # of them must also be nearer to it than chance explains
PARTNERS_BEYOND = (
    6.5  # sd above what chance leaves: the best of sixty comparisons, of images without partners, reaches 4.5
)
FEWEST_MATCHES = 12  # confident ones, from which on a map can be learnt
FEWEST_RANKED = 24  # images: of fewer, ranks can't be told from chance
ORDER_CLEAR = 5.5  # sd: with ten comparisons a false alarm in some ten million
ORDER_CLEAR_BESIDE = (
    4.5  # sd, where most images are at the same place of both sets unchanged: a false alarm in some ten thousand
)
ORDER_REACHED = 0.9  # of what can be reached
COUNTS_AS_SORTED = 5.0  # sd of the likeness of neighbours
# Among look-alikes: different digits of the same classes in the same order reach 5.5 sd at 50 images, 6.7 at 100, and 3.2 where labels tell the classes.
ORDER_ALIKE, ORDER_ALIKE_ROOT, ORDER_ALIKE_LABELLED = (
    7.5,
    0.85,
    4.0,
)  # sd at most; times the root of the number of images; with labels
PARTNER_PREFERRED = 0.38  # mean rank of the own partner among look-alikes, at most: images of the same class are at 0.5
MOST_HAVE_PARTNERS = 0.5  # of the images
RANKS_FALLING = 2.0  # sd by which the ranks below the first lean to the own partner, if it is one of a weak likeness and not of a few images
FEWEST_OF_A_CLASS = 3  # images, below which nothing is said of its share

# What happened to labels: shares of the images, but for counts.
ALMOST_ALL_LABELS = 0.98
LABELS_OF_ONE_KIND = 0.5  # of the wrong labels, that turn one class into one other
ENOUGH_WRONG_LABELS = 10  # of a class, from which on their kinds can be told from chance
USUAL_NUMBERING = 0.6  # of the labels, that follow another numbering, from which on the others are noise
LARGEST_LABEL = 1000  # up to which another numbering is written down
PROPORTIONS_LEVEL = 1e-3  # p-value below which proportions of classes differ

# Whether a change was aimed at a model. Where attacks (FGSM, projected gradient ascent, targeted, DeepFool; at this model, another seed, another
# architecture) and the rest of the catalogue lie on MNIST: agreement's excess ≥ 0.25 and ≤ 0.06, share of images worse off than with the
# shuffled residual ≥ 0.96 and ≤ 0.78. `aim` is ≥ 0.91 at the model that was aimed at and ≤ 0.85 at another seed of it.
AIM_EXCESS, AIM_EXCESS_SCALE = 0.14, 0.03  # of the agreement beyond its controls, and the width of the doubt around it
AIM_WORSE, AIM_WORSE_SCALE = 0.88, 0.02  # of the images, and the width of the doubt
AIMED_HERE = {"linf": 0.88, "l2": 0.86}  # of the best aim there is
ONE_EPSILON = 0.05  # coefficient of variation of sizes, below which one bound describes all images

# Why a model minds. Each was set between planted faults and models without them, on digits; accuracies and shares are of 1.
MECHANISM_LEVEL = 0.01  # p-value
ACCURACY_DROP = 0.02  # that is worth explaining
ACCURACY_HOLDS = 0.1  # largest drop of a model that bears a change
PIXEL_MOVED = 0.005  # mean |change of a pixel| below which nothing happened
AGREEMENT_OF_NOISE = 0.3  # |agreement with the gradient| up to which effects cancel
LIKE_CONTROL = 0.03  # difference of agreements from the shuffled control's
ALIKE_NEIGHBOURS = 0.05  # correlation of neighbouring pixels' changes, beyond chance
SCALED_MISFIT, FACTOR_OF_NOTE, SAME_ANSWERS = (
    0.02,
    0.02,
    0.995,
)  # of scaled images: misfit, change of the factor, same answers without biases
CONFIDENCE_GAP = 0.05  # growth of confidence beyond accuracy
SHARES_MOVED = 0.05  # total variation of the classes' shares
LABELS_GAIN, LABELS_TRUSTED = 0.1, 0.5  # accuracy gained by other labels, and reached with them
LABELS_BEYOND_CHANCE = 5.0  # standard errors
MODEL_KNOWS, MODEL_BLIND = (
    0.75,
    0.62,
)  # probability that a model ranks right labels above wrong ones: if it knows them, and if it can't tell
LAYER_MOVED = 0.02  # of the distance between images of different classes
LAYER_GROWS, LAYER_SHRINKS = 1.5, 0.67  # times, from the pixels to the last layer
LAYER_HARMLESS = 0.5  # of the distance between classes
MARGINS_EXCEEDED = 0.02  # share of images, at most
FIRST_ORDER_EXPLAINED, FIRST_ORDER_SKILL = 0.85, 0.6  # of the answers foretold, and of what chance leaves
SMALL_CHANGE = 0.5  # of the distance between two images
MARGINS_NARROW = 0.65  # probability that a lost image's margin was narrower than a kept one's
SAME_VALUES, PLACES_KEPT = 0.98, 0.8  # share of images with the same grey values, and of pixels in their places
RESTORED_BY_MAP, RESTORED_BY_PART, RESTORED_BY_PLACE = (
    0.3,
    0.2,
    0.5,
)  # of what was lost, by a linear map, by parts of the input, by one place
SEPARATION_FALLS, SEPARATION_STAYS = 0.75, 0.85  # of the separation of classes that is left
SPAN_ENERGY, OUTSIDE_SPAN = 0.95, 0.02  # of training images in their span, and of a change outside of it
UNIT_AWAKE, UNITS_EFFECT, UNITS_BEYOND = 0.02, 0.03, 0.02  # shares of images, of units, and of values
PLACE_AREA, PLACE_ENERGY, PLACE_DIFFERENCE = (
    0.6,
    0.95,
    0.25,
)  # of the area of the ink, of a change, and between one place and the others

# Ceilings.
CEILING_LEVEL = 0.99  # of each oracle's interval, so that five together hold at 95%
SUFFICIENCY_LEVEL = 0.01  # p-value, of four tests together
FEWEST_FOR_VALUES = 2000  # training images, for a limit of nearest neighbours
