"""Looking for the shift between pairs: every family, then two and three of them in a row.

Parameters are fitted to one part of the pairs, and candidates are ranked on another, by what their remake leaves and by how many
numbers they are free to choose. A first part of a composition is found although another follows, since a linear map of grey values
is left free; what follows is looked for between its remake and the shifted set, what went before between the reference and the
shifted set with it undone.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

import numpy as np
from scipy.optimize import linear_sum_assignment

from shiftassay.cores import mapped, one_thread_each
from shiftassay.diagnosis.paired.canonical import with_whole_moves, without_offset
from shiftassay.diagnosis.paired.freedom import GENERAL, PART, price
from shiftassay.diagnosis.paired.joint import COVERING, by_chance, chance_moves, polished, rounded, simplex
from shiftassay.diagnosis.paired.remake import ESTIMATED, Remake, change_of, moves, remake
from shiftassay.errors import BadInput
from shiftassay.shifts.compose import Compose, parts_of
from shiftassay.shifts.estimation.fitting import Following, trimmed
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.geometry import Affine, Matrix, Roll, Rotate, Scale, Shear, Translate
from shiftassay.shifts.families.rearrangement import ColumnPermutation, PixelPermutation, RowPermutation
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.warp import Resampling, resampled

FLOOR = 0.008  # misfit that means nothing: resampling and rounding of others' code
ROUNDED = 0.04  # the same for maps of many numbers and nearest neighbours: those halfway fall to either side, which many numbers fit
# The misfit up to which a shift can be a verdict. If it leaves nothing to chance: what no other code could do another way, blurs, others.
EXACT_VALUES, BLURRED, CERTAIN = 0.006, 0.0075, 0.06
FAINT = 0.015  # of the change: noise with less of it is no part of a shift, but imitates what the others do not fit
ALL_SHARED = 0.0235  # if several do, none of them a rearrangement and each the same for all images
NOISE, TOGETHER, BY_CHANCE = 0.085, 0.1, 0.15  # if it leaves all to chance: noise, several in a row, others
EXACT_OVERLAYS = ("stripe", "occlusion")
STRAIN, ONE = 0.5, 0.5  # half as much is tolerated at a price of 1.9; a shift of one or two numbers is free
LEFT = 0.7  # the price of leaving all of the change to chance: who tells where every pixel goes knows more
MANY = 1.0  # the price from which on two simpler shifts in a row may be cheaper
PERFECT = 0.02
GOOD = 0.06
TIERS = (  # what is tried only where all before leave something
    ("affine", "fixed_pattern", "phase_scramble", "spatter", "fog", "zigzag", "dotted_line", "canny_edges", "jpeg"),
    ("perspective", "elastic", "glass_blur"),
)
FOLLOW = {  # groups that may come before or after a group's shift
    "geometry": ("intensity", "noise", "blur", "overlay"),
    "blur": ("intensity", "noise", "overlay"),
    "rearrangement": ("intensity", "noise", "blur"),
    "intensity": ("intensity", "noise", "overlay"),
    "inverted": ("geometry", "blur", "noise", "intensity", "overlay"),
    "overlay": ("intensity", "noise"),
    "noise": (),
}
LINEAR = ("rotate", "scale", "shear", "translate")
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
VALUES = ("gain", "offset", "gamma")
BLURS = ("gaussian_blur", "defocus_blur", "motion_blur")
MIRRORS = ("flip_horizontal", "flip_vertical", "transpose")
SCREEN = 32  # pairs for a first look
KEEPING_NOISE = Resampling("bicubic")  # bilinear resampling smooths noise that came before, others' does not
POLISHED = 7  # compositions whose numbers are fitted together
SHOWN = 10  # candidates that are looked at more closely
FIRST, PLAIN = 4, 1  # first parts that explain most, with grey values free and as they are
LIKELY = 2  # of those, after which what fits well is looked for no further
WORTHWHILE = 0.9  # of the change: what leaves more is no first part
BEST = 2
HOPELESS = 0.5  # misfit of two parts, from which on no third is looked for
LITTLE = FLOOR * math.expm1(PART)  # misfit of two parts, below which a third would not pay for itself
WRAPPED = 0.01  # of the energy of images: less on the other side is not seen under noise
EXACT = 0.01  # misfit above which a permutation that keeps neighbours together only imitates something smooth
VALUE = 0.01  # of the change: what varies between pixels of one value, if values alone changed
BESIDE = 1.5  # pixels


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shift, how well its remake fits, and its cost: the logarithm of the misfit, the price of its freedom and of what it leaves to chance.

    `misfit` is weighed for comparing candidates (see `Remake.weighed`); what is said of one, and `fits`, take its remake's own.
    """

    remade: Remake
    cost: float

    @property
    def shift(self) -> Shift:
        return self.remade.shift

    @property
    def misfit(self) -> float:
        return self.remade.weighed


@one_thread_each()
def search(
    fit: Pairs, held: Pairs, families: Sequence[str], seed: int = 0, aimed: Callable[[], bool] = lambda: False
) -> list[Candidate]:
    """All that was tried, best first. `fit` are the pairs that parameters are fitted to, `held` those that candidates are ranked on.

    Where no single shift fits, `aimed` is asked whether the change is an attack's, which no composition would make.
    """
    late = {f for tier in TIERS for f in tier}
    found = _tried(_estimates([f for f in families if f not in late], fit), fit, held, seed)
    for tier in TIERS:
        if found and settled(found[0]):
            return found
        found = _ranked(found + _tried(_estimates([f for f in tier if f in families], fit), fit, held, seed))
    if found and settled(found[0]):
        return found
    if found and found[0].misfit < PERFECT and not found[0].remade.chance:
        return _ranked(found + _judged(_simpler(found[0].shift, fit, families), held, seed, others=True))
    if fit.on_white and "invert" in families:
        found = _ranked(found + _judged(_with_white_moving_in(fit, families), held, seed, others=True))
        if fits(found[0]):
            return found
    if aimed():
        return found
    return _ranked(found + _compositions(found, fit, held, families, seed))


def _with_white_moving_in(fit: Pairs, families: Sequence[str]) -> list[Shift]:
    """Pictures on white moved as those on black are: inverted, moved, and inverted back."""
    invert = FAMILIES["invert"]()
    moving = [f for f in families if FAMILIES[f].group == "geometry" and f not in TIERS[1]]
    return [
        Compose((invert, how, invert))
        for how in _estimates(moving, Pairs(1 - fit.reference, 1 - fit.shifted))
        if moves(how)
    ]


def fits(best: Candidate) -> bool:
    """Whether a candidate can be a verdict."""
    return best.remade.misfit <= limit(best)


def limit(best: Candidate) -> float:
    """The misfit up to which a candidate can be a verdict: less, the more it was free to choose, for many numbers bend towards anything."""
    group, parts = best.shift.group, parts_of(best.shift)
    if all(part.group == "intensity" or part.family in EXACT_OVERLAYS for part in parts):
        least = EXACT_VALUES
    elif len(parts) > 1 and all(part.scope == "shared" and part.group != "rearrangement" for part in parts):
        least = ALL_SHARED
    else:
        least = BLURRED if group == "blur" else CERTAIN
    most = {"several": TOGETHER, "noise": NOISE}.get(group, BY_CHANCE)
    by_chance = 1.0 if any(part.family in ESTIMATED for part in parts) else best.remade.chance
    tolerated = least + (most - least) * by_chance**0.5
    return tolerated * float(np.exp(-STRAIN * max(price(best.shift) - ONE, 0.0)))


def _simpler(exact: Shift, fit: Pairs, families: Sequence[str]) -> list[Shift]:
    """Two shifts in a row with fewer numbers than one that fits but has many."""
    fit = fit.first(60)
    if not (isinstance(exact, PixelPermutation) and isinstance(exact.permutation, tuple)):
        found = _linear_pairs(fit, families, exact)
        return found + _changed(with_whole_moves, found)
    kept = _linear_pairs(fit, families) if _hardly_permutes(exact, fit) else []
    if {"row_permutation", "column_permutation"} <= set(families):
        kept += _rows_and_columns(exact.permutation, fit.shifted.shape[2:], fit)
    return kept


def _hardly_permutes(how: Shift, pairs: Pairs) -> bool:
    """Whether most pixels that vary come from beside where their neighbour comes from: not drawn, but a turn, a mirror or a warp."""
    if not (isinstance(how, PixelPermutation) and isinstance(how.permutation, tuple)):
        return False
    size = pairs.shifted.shape[2:]
    varies = pairs.shifted.var((0, 1)) > 1e-6
    y, x = np.divmod(np.reshape(how.permutation, size), size[1])
    apart = np.hypot(np.diff(y), np.diff(x))[varies[:, 1:] & varies[:, :-1]]
    return apart.size > 0 and float(np.mean(apart < BESIDE)) > 0.5


def _rows_and_columns(order: tuple[int, ...], size: tuple[int, ...], pairs: Pairs) -> list[Shift]:
    """A permutation of pixels as one of rows and one of columns, by what most pixels that vary say."""
    h, w = size
    varies = pairs.shifted.var((0, 1)) > 1e-6
    from_row, from_column = np.divmod(np.reshape(order, (h, w)), w)
    votes = np.zeros((h, h)), np.zeros((w, w))
    for y, x in np.argwhere(varies):
        votes[0][y, from_row[y, x]] += 1
        votes[1][x, from_column[y, x]] += 1
    rows, columns = (linear_sum_assignment(v + 1e-3 * np.eye(len(v)), maximize=True)[1] for v in votes)
    return [Compose((RowPermutation(tuple(rows.tolist())), ColumnPermutation(tuple(columns.tolist()))))]


def settled(best: Candidate) -> bool:
    """Whether a candidate fits so well that nothing with more numbers can win."""
    return best.misfit < (GOOD if best.remade.chance else PERFECT) and price(best.shift) < MANY


def _estimates(families: Iterable[str], pairs: Pairs) -> list[Shift]:
    return [how for found in mapped(lambda family: _estimate(family, pairs), families) for how in found]


def _estimate(family: str, pairs: Pairs) -> list[Shift]:
    """A family's guesses that change anything; none where its fit left what the family allows."""
    try:
        return [how for how in FAMILIES[family].estimate(pairs) if family == "identity" or _does(how, pairs)]
    except (BadInput, np.linalg.LinAlgError):
        return []


def _does(how: Shift, pairs: Pairs) -> bool:
    """Whether a shift changes anything: one that was fitted to nothing does not."""
    few = pairs.reference[:16]
    return not np.allclose(how.apply(few, np.random.default_rng(0)), few, atol=1e-4)


def _tried(shifts: Iterable[Shift], fit: Pairs, held: Pairs, seed: int) -> list[Candidate]:
    """The most promising of the shifts, judged: a look at a few pairs sorts out the rest."""
    looked = _judged(shifts, held.first(SCREEN), seed, others=False)
    best = _judged([c.shift for c in looked[:SHOWN]], held, seed, others=True)
    nearest = [c for c in best if c.remade.how.kernel == "nearest" and 0 < c.misfit < HOPELESS]
    again = [rounded(c.shift, fit, c.remade.how) for c in nearest if c.shift.search and c.shift.scope == "shared"]
    return _ranked(best + _judged(again, held, seed, others=True) + looked[SHOWN:])


def _judged(shifts: Iterable[Shift], held: Pairs, seed: int, others: bool) -> list[Candidate]:
    def judge(how: Shift) -> Candidate | None:
        try:
            remade = remake(how, held, seed, others)
        except (BadInput, np.linalg.LinAlgError):
            return None
        if 0 < remade.chance < FAINT and _ends_noisy(how):
            return None
        if remade.weighed > EXACT and any(_hardly_permutes(part, held) for part in parts_of(how)):
            return None
        general = any(part.family in GENERAL for part in parts_of(how))
        floor = ROUNDED if general and remade.how.kernel == "nearest" else FLOOR
        return Candidate(remade, float(np.log(remade.weighed + floor)) + price(how) + LEFT * remade.chance)

    return _ranked([candidate for candidate in mapped(judge, shifts) if candidate is not None])


def _ends_noisy(how: Shift) -> bool:
    """Whether a part is noise, and no blur follows that would leave little of it."""
    groups = [part.group for part in parts_of(how)]
    return "noise" in groups and "blur" not in groups[groups.index("noise") :]


def _ranked(found: list[Candidate]) -> list[Candidate]:
    """Those that could be a verdict first; the price only decides among them, and among the rest."""
    return sorted(found, key=lambda c: (not fits(c), c.cost))


def _compositions(
    singles: list[Candidate], fit: Pairs, held: Pairs, families: Sequence[str], seed: int
) -> list[Candidate]:
    """Two parts, and three where two leave much."""
    fit = fit.first(60)
    firsts = _firsts(singles, fit, held.first(60), families, seed)
    by_value = _by_value(fit)
    if by_value:
        firsts = [how for how in firsts if how.group == "intensity"]
    best = _polished(_with_others(firsts[:LIKELY], fit, families), fit, held, seed, POLISHED)
    if best and settled(best[0]):
        return best
    pairs = _value_pairs(fit, families) if by_value else _linear_pairs(fit, families) + _two_valued(fit, families)
    pairs += _with_others(firsts[LIKELY:], fit, families)
    best = _ranked(best + _polished(pairs, fit, held, seed, POLISHED))
    if best and LITTLE < best[0].misfit < HOPELESS and not settled(best[0]):
        begun = [c.shift for c in best[:BEST]]
        best = _ranked(best + _polished(_with_others(begun, fit, families), fit, held, seed, 3))
    return best + _polished(_of_simpler_maps(best[0].shift, fit, families), fit, held, seed, 3) if best else best


def _of_simpler_maps(how: Shift, pairs: Pairs, families: Sequence[str]) -> list[Shift]:
    """A composition with two simpler maps in the place of an affine one."""
    parts = parts_of(how)
    for i, part in enumerate(parts):
        if isinstance(part, Affine) and isinstance(part.matrix, tuple):
            alone = Pairs(pairs.reference, part.apply(pairs.reference, np.random.default_rng(0)))
            simpler = _linear_pairs(alone, families, part)
            return [Compose((*parts[:i], *parts_of(two), *parts[i + 1 :])) for two in simpler]
    return []


def _polished(shifts: Iterable[Shift], fit: Pairs, held: Pairs, seed: int, count: int) -> list[Candidate]:
    """The most promising compositions, in either order, with their numbers fitted together, judged."""
    looked = [c.shift for c in _judged(shifts, held.first(SCREEN), seed, others=False)]
    chosen: list[Shift] = []
    kinds: list[tuple[str, ...]] = []
    for how in looked:
        kind = tuple(sorted(f"{part.family} {part.scope}" for part in parts_of(how)))
        if kinds.count(kind) < 2 and len(chosen) < count:
            chosen.append(how)
            kinds.append(kind)
    turned = [Compose(how.parts[::-1]) for how in chosen[:3] if isinstance(how, Compose) and len(how.parts) == 2]
    chosen = list(dict.fromkeys(chosen + turned))
    fitted = mapped(lambda how: polished(how, fit), chosen)
    fitted += mapped(lambda how: polished(how, fit), _changed(without_offset, fitted))
    with resampled(KEEPING_NOISE):
        fitted += mapped(lambda how: polished(how, fit), filter(chance_moves, chosen))
    fitted += _changed(with_whole_moves, fitted)
    return _judged(dict.fromkeys(fitted), held, seed, others=True)


def _changed(change: Callable[[Shift], Shift], shifts: Iterable[Shift]) -> list[Shift]:
    """What becomes of those shifts that a change does not leave as they are."""
    return [other for how in shifts if (other := change(how)) is not how]


def _hardly_rolls(how: Shift, pairs: Pairs) -> bool:
    """Whether chance hides what tells a roll from a translation: hardly any ink comes back on the other side."""
    rolls = [part for part in parts_of(how) if isinstance(part, Roll)]
    hidden = any(map(by_chance, parts_of(how)))
    return hidden and any(roll.wrapped(pairs.reference) < WRAPPED for roll in rolls)


def _firsts(singles: list[Candidate], fit: Pairs, held: Pairs, families: Sequence[str], seed: int) -> list[Shift]:
    """The shifts without chance that explain most of the change, up to a linear map of grey values."""
    free = Pairs(fit.reference, fit.shifted, contrast=True)
    moving = [f for f in families if FAMILIES[f].group in ("geometry", "rearrangement", "blur") and f not in TIERS[1]]
    # By what they leave alone: how exact a shift has to be is no question before the other part is known.
    left_by = {c.shift: float(np.mean(c.remade.left**2)) / change_of(held) for c in singles if c.remade.chance == 0}
    still = sorted(left_by, key=lambda how: left_by[how])
    shifts = [how for how in still if left_by[how] < WORTHWHILE] + _estimates(moving, free)
    judged = []
    looked = Pairs(held.reference, held.shifted, contrast=True).first(SCREEN)
    for how in shifts:
        followed = how.followed(looked) or how
        made = followed.apply(looked.reference, np.random.default_rng(seed))
        if np.array_equal(made, followed.apply(looked.reference, np.random.default_rng(seed + 1))):
            left = float(looked.errors(made).mean()) / max(float(looked.shifted.var()), 1e-9)
            judged.append((np.log(left + FLOOR) + price(how), how))
    judged.sort(key=lambda j: j[0])
    chosen: list[Shift] = []
    for _, how in judged:
        if all(type(how) is not type(c) for c in chosen) and how.family != "identity":
            chosen.append(how)
    plain = [how for how in still[:PLAIN] if all(type(how) is not type(k) for k in chosen[:FIRST])]
    inverted = [FAMILIES["invert"]()] if "invert" in families and _looks_inverted(fit) else []
    return inverted + chosen[:FIRST] + plain


def _looks_inverted(pairs: Pairs) -> bool:
    """Whether dark sets became bright or bright ones dark: moved as well, no remake of the picture alone would show it."""
    before, after = float(pairs.reference.mean()), float(pairs.shifted.mean())
    return abs(1 - before - after) < abs(after - before)


def _with_others(firsts: Iterable[Shift], pairs: Pairs, families: Sequence[str]) -> list[Shift]:
    """Each of the shifts and one more, after it or before it; and each, fitted to the pixels that nothing covers, with what covers some."""
    asked: list[tuple[str, Pairs, Callable[[Shift], Compose]]] = []

    def ask(first: Shift, others: Sequence[str]) -> None:
        parts = parts_of(first)
        followed = pairs.begun_by(first)
        after = Pairs(followed.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted)
        asked.extend((family, after, lambda how: Compose((*parts, how))) for family in others)
        undone = followed.undo(pairs.shifted, np.random.default_rng(0))
        if undone is not None:
            before = Pairs(pairs.reference, undone)
            asked.extend((family, before, lambda how: Compose((how, *parts))) for family in others)

    by_first = {first: others for first in firsts if (others := _others(parts_of(first), families))}
    for first, others in by_first.items():
        ask(first, others)
    for uncovered, others in zip(mapped(lambda f: _uncovered(f, pairs), by_first), by_first.values(), strict=True):
        if uncovered is not None:
            ask(uncovered, [f for f in others if f in COVERING or FAMILIES[f].group == "overlay"])
    estimates = mapped(lambda a: _estimate(a[0], a[1]), asked)
    found: list[Shift] = [
        composed(how) for (_, _, composed), hows in zip(asked, estimates, strict=True) for how in hows
    ]
    return found if "translate" not in families else [how for how in found if not _hardly_rolls(how, pairs)]


def _uncovered(first: Shift, pairs: Pairs) -> Shift | None:
    """The first part by the pixels that nothing covers, if there are such."""
    if first.scope != "shared" or not first.search or not first.steps()[0].any():
        return None
    begin, family = first.own_starts()[0], Following(first)
    try:
        found = trimmed(family, np.vstack([begin, first.starts(pairs.reference.shape[2:])]), pairs)
        return None if found is None or np.allclose(found, begin, atol=1e-3) else family.at(found)
    except (BadInput, np.linalg.LinAlgError):
        return None


def _others(parts: Sequence[Shift], families: Sequence[str]) -> list[str]:
    """The families that may come before or after all of the parts."""
    if any(part.group == "noise" for part in parts):
        return []
    groups = [set(FOLLOW.get("inverted" if p.family == "invert" else p.group, ())) for p in parts]
    return [f for f in families if FAMILIES[f].group in set.intersection(*groups) and f not in TIERS[1]]


def _by_value(pairs: Pairs) -> bool:
    """Whether what became of a pixel depends on its grey value alone."""
    values = np.clip(np.rint(pairs.reference * 255), 0, 255).astype(np.int64).ravel()
    after = pairs.shifted.ravel().astype(np.float64)
    counts = np.bincount(values, minlength=256)
    mean = np.bincount(values, after, 256) / np.maximum(counts, 1)
    return float(np.mean((after - mean[values]) ** 2)) < VALUE * change_of(pairs)


def _value_pairs(pairs: Pairs, families: Sequence[str]) -> list[Shift]:
    """Two of gain, offset and gamma, fitted together from the best of a grid."""
    few, rng = pairs.first(SCREEN), np.random.default_rng(0)
    found: list[Shift] = []
    for both in permutations([f for f in VALUES if f in families], 2):
        numbers = product(*(next(iter(FAMILIES[f].search.values())).starts for f in both))
        starts = [
            Compose(tuple(FAMILIES[f].at(np.array([number])) for f, number in zip(both, start, strict=True)))
            for start in numbers
        ]
        best = min(starts, key=lambda how: few.errors(how.apply(few.reference, rng)).mean())
        found.append(polished(best, pairs))
    return found


def _two_valued(pairs: Pairs, families: Sequence[str]) -> list[Shift]:
    """What may come before a threshold, or before edges are all that is left: two values do not look like what was done first."""
    few, rng = pairs.first(SCREEN), np.random.default_rng(0)
    if len(np.unique(few.shifted)) != 2:
        return []
    found: list[Shift] = []
    for blur in (FAMILIES[f] for f in BLURS if f in families):
        both = [
            c
            for start in blur.starts(few.reference.shape[2:])
            for c in _then("threshold", blur.at(start), few, families)
        ]
        if both:
            best = min(both, key=lambda how: few.errors(how.apply(few.reference, rng)).mean())
            found.append(simplex(best, pairs, ("level",)))
    if "canny_edges" not in families:
        return found
    edges = FAMILIES["canny_edges"]().apply(pairs.reference, rng)
    moved = _estimates([f for f in (*LINEAR, *MIRRORS) if f in families], Pairs(edges, pairs.shifted))
    return found + [c for how in moved for c in _then("canny_edges", how, pairs, families)]


def _then(last: str, first: Shift, pairs: Pairs, families: Sequence[str]) -> list[Compose]:
    """A shift and the estimates of a family of what became of its remake."""
    made = first.apply(pairs.reference, np.random.default_rng(0))
    found = _estimates([f for f in families if f == last], Pairs(made, pairs.shifted))
    return [Compose((first, how)) for how in found if how.scope == "shared"]


def _linear_pairs(pairs: Pairs, families: Sequence[str], exact: Shift | None = None) -> list[Shift]:
    """Two of rotate, scale, shear, translate and the mirrors, fitted together: what a general affine map would hide.

    If that map is known, they begin with what it has of each.
    """
    linear = [f for f in LINEAR if f in families]
    square = pairs.reference.shape[2] == pairs.reference.shape[3]
    mirrors = [FAMILIES[m]() for m in MIRRORS if m in families and (square or m != "transpose")]
    mirrored = [Pairs(m.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted) for m in mirrors]
    if isinstance(exact, Affine) and isinstance(exact.matrix, tuple):
        begun = _read_off(exact.matrix)
    else:
        found = mapped(lambda family: _estimate(family, pairs), linear)
        begun = _read_off(IDENTITY) | {f: hows[0] for f, hows in zip(linear, found, strict=True) if hows}
    both = [Compose((begun[f], begun[g])) for f, g in combinations(linear, 2)]
    fitted = mapped(lambda how: polished(how, pairs), both)
    if fitted:
        rng = np.random.default_rng(0)
        best = min(fitted, key=lambda how: pairs.errors(how.apply(pairs.reference, rng)).mean())
        fitted.append(polished(Compose(parts_of(best)[::-1]), pairs))
    asked = [(mirror, beside, f) for mirror, beside in zip(mirrors, mirrored, strict=True) for f in linear]
    after = mapped(lambda a: _estimate(a[2], a[1]), asked)
    return fitted + [Compose((mirror, how)) for (mirror, _, _), hows in zip(asked, after, strict=True) for how in hows]


def _read_off(matrix: Matrix) -> dict[str, Shift]:
    """Of each linear family the shift that an affine map would be if it were nothing else."""
    (a, b, x), (c, d, y) = matrix
    return {
        "rotate": Rotate(math.degrees(math.atan2(b - c, a + d))),
        "scale": Scale(max(math.sqrt(abs(a * d - b * c)), 0.1)),
        "shear": Shear(float(np.clip(b / d, -1, 1)) if d else 0.0),
        "translate": Translate(x, y),
    }
