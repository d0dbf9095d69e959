"""Whether a model holds what was asked of it, for scripts that stop where it does not."""

from collections.abc import Sequence

from shiftassay.errors import BadInput, NotDone
from shiftassay.evaluation.agreement import Agreement
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.words.numbers import percent, points


def hold_to(largest_drop: float, results: Sequence[Evaluation | Agreement]) -> None:
    """Raise `NotDone` for the first set on which accuracy is lower by more points than allowed.

    That is accuracy as measured, against that on the set's reference; without labels, the share of images that are
    answered in another way. Raises `BadInput` for a drop that is no share in points.
    """
    if not 0 <= largest_drop <= 100:
        raise BadInput(f"--max-drop {largest_drop:g}: expected points from 0 to 100, as in --max-drop 0.5.")
    for result in results:
        if isinstance(result, Agreement):
            drop, reference = result.drop, result.reference
            what = f"{percent(drop, 2)} of the answers are others than on {reference}"
        elif result.comparison is not None:
            drop, reference = -result.comparison.difference.estimate, result.comparison.reference
            what = f"accuracy is {points(drop)} points lower than on {reference}"
        else:
            continue
        if round(100 * drop, 9) > largest_drop:
            raise NotDone(f"{result.name}: {what}, and --max-drop allows {largest_drop:g}.")
