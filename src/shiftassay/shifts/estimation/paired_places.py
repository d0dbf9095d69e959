"""Where each part of an image comes from, told by pairs."""

from collections import defaultdict

import numpy as np
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment

from shiftassay.shifts.estimation.places import RISK, Parts, Placement, nearest_rivals, risk_of, standard_scores

MOST_ASSIGNED = 2048  # parts: an assignment of more would take their square in memory and time
PAIRS = 3000  # that an order is fitted to where values differ; equal values are sought in all
LEVELS = 255  # steps of grey between black and white
MOST_UNEQUAL = 0.5  # of the parts: if more have no equal, it is no order of equal parts
ROUNDED = 2 / 255  # largest difference that rounding to bytes makes, before and after a shift


def placement_of_pairs(before: Parts, after: Parts) -> Placement:
    """The order under which the parts of the images are most alike.

    And the places that have one source only.

    Where every part is found again value for value, a place is identified if no other part has the same values in all
    images. Else squared differences are least, and a place is identified if exchanging its source for another's makes a
    difference beyond rounding or, where values differ by more, beyond chance.
    """
    columns = [[row.tobytes() for row in np.moveaxis(side, 1, 0) + np.float32(0)] for side in (before, after)]
    if (exact := _equal_parts(*columns)) is not None:  # −0 became 0
        return exact
    if before.shape[1] > MOST_ASSIGNED:
        return _nearly_equal(before, after)
    return _least_squares(before[:PAIRS], after[:PAIRS])


def order_of_equal_parts(before: Parts, after: Parts) -> Int64[np.ndarray, "count"] | None:
    """The order that puts equal parts in place; None if most have no equal.

    It takes time in proportion to their number. Values are equal up to rounding to bytes. What has no equal stays
    where it is, if that is free.
    """
    sources, places = (_places_by_value(_in_levels(side)) for side in (before, after))
    order = np.full(after.shape[1], -1)
    for value, to in places.items():
        among = sources.get(value, [])
        staying = sorted(set(to) & set(among))
        order[staying] = staying
        moving = [place for place in to if order[place] < 0]
        others = sorted(set(among) - set(staying))[: len(moving)]
        order[moving[: len(others)]] = others
    left = np.flatnonzero(order < 0)
    if len(left) > MOST_UNEQUAL * len(order):
        return None
    free = np.setdiff1d(np.arange(len(order)), order)
    staying = np.intersect1d(left, free)
    order[staying] = staying
    order[order < 0] = np.setdiff1d(free, staying)
    return order


def _nearly_equal(before: Parts, after: Parts) -> Placement:
    """Equal parts in place; identified are those with one equal only, up to rounding to bytes."""
    order = order_of_equal_parts(before, after)
    if order is None:
        return Placement(np.arange(before.shape[1]), np.zeros(before.shape[1], bool))
    alone = np.zeros(len(order), bool)
    alone[[among[0] for among in _places_by_value(_in_levels(before)).values() if len(among) == 1]] = True
    equal = np.abs(after - before[:, order]).max((0, 2)) <= ROUNDED
    return Placement(order, equal & alone[order])


def _equal_parts(before: list[bytes], after: list[bytes]) -> Placement | None:
    """The order under which all parts are equal; None if there is none.

    Equal parts stay where they are if they can.
    """
    sources, places = _places_by_value(before), _places_by_value(after)
    order, alone = np.empty(len(before), np.int64), np.zeros(len(before), bool)
    for value, to in places.items():
        if len(among := sources.get(value, [])) != len(to):
            return None
        staying = set(to) & set(among)
        order[sorted(staying)] = sorted(staying)
        order[sorted(set(to) - staying)] = sorted(set(among) - staying)
        alone[to] = len(to) == 1
    return Placement(order, alone)


def _in_levels(parts: Parts) -> list[bytes]:
    """The values of each part in all images, rounded to bytes."""
    return [row.tobytes() for row in np.rint(np.moveaxis(parts, 1, 0) * LEVELS).astype(np.int32)]


def _places_by_value(columns: list[bytes]) -> dict[bytes, list[int]]:
    places: dict[bytes, list[int]] = defaultdict(list)
    for place, column in enumerate(columns):
        places[column].append(place)
    return places


def _least_squares(before: Parts, after: Parts) -> Placement:
    x, y = (np.moveaxis(side, 1, 0).reshape(side.shape[1], -1) for side in (before, after))
    cost = _squared_distances(y, x)
    order = linear_sum_assignment(cost - 1e-6 * cost.max() * np.eye(len(cost)))[1]
    sourced = before[:, order]
    rounding = float(np.abs(after - sourced).max())
    own = cost[:, order]
    loss = own + own.T - np.diag(own)[:, None] - np.diag(own)
    scores = []
    for rival in nearest_rivals(loss).T:
        apart = sourced - sourced[:, rival]
        if rounding <= ROUNDED:
            scores.append(np.where(np.abs(apart).max(axis=(0, 2)) > 2 * rounding, np.inf, 0.0))
        else:
            scores.append(standard_scores(2 * np.sum((after - after[:, rival]) * apart, axis=2)))
    return Placement(order, risk_of(np.reshape(scores, (-1, len(order)))) <= RISK)


def _squared_distances(y: Float[np.ndarray, "i m"], x: Float[np.ndarray, "j m"]) -> Float[np.ndarray, "i j"]:
    return np.vecdot(y, y)[:, None] + np.vecdot(x, x)[None] - 2 * y @ x.T
