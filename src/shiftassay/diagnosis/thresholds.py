"""Thresholds of what surrounds a verdict.

They are of pairing, labels, attacks and mechanisms, each with its unit and origin.

Whether a shift fits is not decided here, but by null distributions (`null_distribution`), and how sure that is by a
calibration (`calibration`). Where no other origin is named, a threshold was chosen on listed cases of the diagnosis
benchmark, of development seeds.
"""

LEVEL = 0.95  # of intervals
REFIT_MISFIT = 0.002  # by which the misfit may grow by chance when parameters are fitted to more pairs
SAME_IMAGES = 0.99  # confidence, at most, that images which agree up to rounding are the same

# Which images changed.
FEWEST_IMAGES = 50  # for a diagnosis without partners
FEWEST_CHANGED = 12  # images that changed, from which on those are diagnosed alone
UNCHANGED = 0.03  # share of images exactly as they were, above which the shift counts as one of some images only

# Whether a change may be an attack's: about as large on every image, and nowhere large.
EVEN_SIZE = 0.1  # coefficient of variation, over images, of their largest change or of its length
LARGEST_CHANGE = 0.5  # mean over images of their largest change, of the range of values

# Which images are partners. Chosen on simulated sets of MNIST; docs/results/pairing.json says how often these
# decisions err.
FOUND_ELSEWHERE = (
    0.05  # share of images found at another place only, value for value, above which the order is another one
)
FEWEST_SOUGHT = 50  # images: among fewer, chance makes partners of images that hardly differ
SHARED_MOST = 0.5  # share of images in both sets: a third are in both by chance where few different images occur
SHARED_MOSTLY = 0.6  # the same, of images that occur once
SHARED_NEARLY_ALL = 0.9  # the same, where the rest needs no test
GAPS_BY_CHANCE = 0.9  # quantile of the gaps between distances of images that are no partners
MUTUAL = 0.7  # share of shifted images that are their nearest's nearest: by chance, of a few specks, more than half
NEARER_THAN_CHANCE = 0.25  # share of images that must also be nearer to their partner than chance explains
PARTNERS_BEYOND = 6.5  # sd above chance: the best of sixty comparisons of images without partners reaches 4.5
FEWEST_MATCHES = 12  # confident ones, from which on a map can be learned
FEWEST_RANKED = 24  # images: of fewer, ranks can't be told from chance
ORDER_CLEAR = 5.5  # sd: with ten comparisons, a false alarm in some ten million
ORDER_CLEAR_BESIDE = 4.5  # sd, where most images are at the same place of both sets: a false alarm in some ten thousand
ORDER_REACHED = 0.9  # of the largest z that can be reached
COUNTS_AS_SORTED = 5.0  # sd of the likeness of neighbours in the order
# Among look-alikes, different digits of the same classes in the same order reach 5.5 sd at 50 images, 6.7 at 100, and
# 3.2 where labels tell the classes.
ORDER_ALIKE = 7.5  # sd, at most
ORDER_ALIKE_ROOT = 0.85  # sd, times the root of the number of images
ORDER_ALIKE_LABELED = 4.0  # sd, with labels
PARTNER_PREFERRED = 0.38  # mean rank of the own partner among look-alikes, at most: images of the same class are at 0.5
MOST_HAVE_PARTNERS = 0.5  # share of the images
RANKS_FALLING = 2.0  # sd by which ranks below the first lean to the own partner, unless it is one of few images
FEWEST_OF_A_CLASS = 3  # images, below which the share of a class is not estimated

# What happened to labels: shares of the images, unless a unit is named.
ALMOST_ALL_LABELS = 0.98
LABELS_OF_ONE_KIND = 0.5  # of the wrong labels, that turn one class into one other
ENOUGH_WRONG_LABELS = 10  # images of a class, from which on the kinds of its wrong labels can be told from chance
USUAL_NUMBERING = 0.6  # of the labels, that follow another numbering, above which the others are noise
LARGEST_LABEL = 1000  # a label, up to which another numbering is written out
PROPORTIONS_LEVEL = 1e-3  # p-value below which proportions of classes differ

# Whether a change was aimed at a model. On MNIST, attacks (FGSM, projected gradient ascent, targeted, DeepFool; at
# this model, another seed, another architecture) have an excess of agreement ≥ 0.25 and the rest of the catalogue ≤
# 0.06; the share of images worse off than with the shuffled residual is ≥ 0.96 and ≤ 0.78. `aim` is ≥ 0.91 at the
# model that was aimed at, and ≤ 0.85 at another seed of it.
AIM_EXCESS, AIM_EXCESS_SCALE = (
    0.14,
    0.03,
)  # agreement with the gradient beyond both controls; scale of the logistic function
AIM_WORSE, AIM_WORSE_SCALE = 0.88, 0.02  # share of images worse off than in the control; scale of the logistic function
AIMED_HERE = {"linf": 0.88, "l2": 0.86}  # `aim`, of the best there can be
ONE_EPSILON = (
    0.05  # coefficient of variation of the images' perturbation sizes, below which one bound describes them all
)

# Why a model minds. Each was set between planted faults and models without them, on digits; accuracies and shares are
# of 1.
MECHANISM_LEVEL = 0.01  # p-value
ACCURACY_DROP = 0.02  # that is worth explaining
ACCURACY_HOLDS = 0.1  # largest drop of a model that bears a change
PIXEL_MOVED = 0.005  # mean |change of a pixel| below which nothing happened
AGREEMENT_OF_NOISE = 0.3  # |agreement with the gradient| up to which effects cancel
LIKE_CONTROL = 0.03  # difference of agreements from the shuffled control's
ALIKE_NEIGHBORS = 0.05  # correlation of neighbouring pixels' changes, beyond chance
SCALED_MISFIT = 0.02  # misfit of scaled images
FACTOR_OF_NOTE = 0.02  # |factor of scaled images − 1|
SAME_ANSWERS = 0.995  # share of answers that stay the same without biases
CONFIDENCE_GAP = 0.05  # growth of confidence beyond accuracy
SHARES_MOVED = 0.05  # total variation of the classes' shares
LABELS_GAIN = 0.1  # accuracy gained by other labels
LABELS_TRUSTED = 0.5  # accuracy reached with them
LABELS_BEYOND_CHANCE = 5.0  # standard errors
MODEL_KNOWS = 0.75  # probability that a model ranks right labels above wrong ones, above which it knows them
MODEL_BLIND = 0.62  # the same, below which it can't tell
LAYER_MOVED = 0.02  # of the distance between images of different classes
LAYER_GROWS, LAYER_SHRINKS = 1.5, 0.67  # factor from the pixels to the last layer
LAYER_HARMLESS = 0.5  # of the distance between classes
MARGINS_EXCEEDED = 0.02  # share of images, at most
FIRST_ORDER_EXPLAINED = 0.85  # share of the answers that a first-order expansion predicts
FIRST_ORDER_SKILL = 0.6  # of the answers that chance does not predict, the share that it predicts
SMALL_CHANGE = 0.5  # of the distance between two images
MARGINS_NARROW = 0.65  # probability that a lost image's margin was narrower than a kept one's
SAME_VALUES, PLACES_KEPT = 0.98, 0.8  # share of images with the same grey values; share of pixels in their places
RESTORED_BY_MAP = 0.3  # share of the lost accuracy that a linear map restores
RESTORED_BY_PART = 0.2  # the same, of parts of the input
HARMLESS = 0.2  # the same, that a control may lose: less than a part of the input has to restore
RESTORED_BY_PLACE = 0.5  # the same, of one place
SEPARATION_FALLS, SEPARATION_STAYS = 0.75, 0.85  # of the separation of classes that remains
SPAN_ENERGY = 0.95  # share of the energy of training images in their span
OUTSIDE_SPAN = 0.02  # share of a change outside of it
UNIT_AWAKE = 0.02  # share of images that activate a unit
UNITS_EFFECT = 0.03  # share of units
UNITS_BEYOND = 0.02  # share of values beyond their range
PLACE_AREA = 0.6  # share of the area of the ink
PLACE_ENERGY = 0.95  # share of the energy of a change
PLACE_DIFFERENCE = 0.25  # difference between one place and the others

# Ceilings.
CEILING_LEVEL = 0.99  # of each oracle's interval, so that five together hold at 95%
SUFFICIENCY_LEVEL = 0.01  # p-value of four tests together
FEWEST_FOR_VALUES = 2000  # training images, for a limit of nearest neighbours
