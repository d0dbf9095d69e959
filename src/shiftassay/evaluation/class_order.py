"""Does a model number the classes in another order than the labels do?"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from shiftassay.words.numbers import percent
from shiftassay.words.text import short

USUAL = 0.5  # of a class's images that are answered alike: more, and the answer stands for the class
MATCHED = 0.6  # of all images that are right in the model's own order; less is no order, but errors
GAINED = 0.2  # of all images, by which that order is better than the labels'
FEWEST = 50  # images, below which an order may be chance


def other_order(confusion: Sequence[Sequence[int]], classes: Sequence[str] | None = None) -> str | None:
    """A sentence if the model's answers are right under another numbering of the classes.

    `confusion[i][j]` counts images of class i that were taken for class j. The numbering is the one under which most
    images are right (linear assignment); at least two classes have another number in it.

    >>> print(other_order([[30, 0, 1], [0, 1, 29], [1, 30, 0]], ("1", "2", "10"))[:76])
    the model seems to number the classes as they are sorted as text: it answers
    """
    counts = np.array(confusion)
    total = int(counts.sum())
    answers = linear_sum_assignment(-counts)[1]
    own, right = counts[np.arange(len(counts)), answers], int(np.trace(counts))
    moved = np.flatnonzero((answers != np.arange(len(counts))) & (own > USUAL * counts.sum(1)))
    if total < FEWEST or len(moved) < 2 or own.sum() < max(MATCHED * total, right + GAINED * total):
        return None
    names = [str(label) for label in range(len(counts))] if classes is None else list(classes)
    as_text = {name: number for number, name in enumerate(sorted(names))}
    known = all(k < len(names) and as_text[names[k]] == answers[k] for k in moved)
    numbering = "as they are sorted as text" if known else "in another way"
    shown = ", ".join(f"{answers[k]} for {short(names[k])!r}" for k in moved[:3] if k < len(names))
    more = " …" if len(moved) > 3 else ""
    better, worse = percent(own.sum() / total), percent(right / total)
    return (
        f"the model seems to number the classes {numbering}: it answers {shown}{more}; in that order {better} would be "
        f"right, not {worse}: give labels in the model's order"
    )
