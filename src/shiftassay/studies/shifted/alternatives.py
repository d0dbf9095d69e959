"""Other explanations of what a variant does, and the number that rules each out, or does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.shifts.catalogue import attacks
from shiftassay.shifts.family import FAMILIES
from shiftassay.words.numbers import brackets, minus, p_cell, percent_with_interval

AS_GOOD = 0.01  # of the change: within this of the verdict, another family explains as much
RIVALS = 3
SURE = 0.01
OFF = 0.04  # of accuracy: a remake this far off does not do what the variant does


@dataclass(frozen=True)
class Alternative:
    """Another explanation, what was measured of it, and whether that rules it out."""

    explanation: str
    number: str
    ruled_out: bool


def alternatives(
    evaluations: Sequence[Evaluation], found: dict[str, Any], repaired: dict[str, Any]
) -> list[Alternative]:
    """What a sceptic would say of a variant, in the order in which it would be said; `evaluations` are one for each seed."""
    return [
        *_chance(evaluations[0]),
        *_labels(found),
        *_families(found),
        *_values(found),
        *_aim(found),
        *_size(evaluations[0], found),
        *_accident(found, repaired),
        *_seeds(evaluations),
    ]


def name_of(candidate: dict[str, Any]) -> str:
    """A candidate's family, or those of its parts, and its scope where it has one."""
    parts = candidate["parameters"]["parts"] if candidate["family"] == "compose" else [candidate]
    scopes = {"shared": "", "per_image": " (drawn afresh for each image)", None: ""}
    return ", then ".join(part["family"] + scopes[part["scope"]] for part in parts)


def own_candidate(found: dict[str, Any]) -> dict[str, Any] | None:
    """The candidate that became the verdict; None where the verdict came from elsewhere, as an attack's does."""
    own = name_of(found["diagnosis"]["verdict"])
    return next((c for c in found["diagnosis"]["candidates"] if name_of(c) == own), None)


def _chance(evaluation: Evaluation) -> list[Alternative]:
    change = evaluation.comparison
    assert change is not None
    points = f"{minus(f'{100 * change.difference.estimate:+.2f}')} points {brackets(change.difference)}"
    if change.verdict == "equivalent":
        shown = "" if change.equivalence_p is None else f"; p {p_cell(change.equivalence_p)}"
        return [
            Alternative(
                f"There is a change of {100 * change.margin:g} points or more, and it was missed", points + shown, True
            )
        ]
    if change.verdict == "undecided":
        return [Alternative("Accuracy moved by chance alone, or not at all", points, False)]
    p = "" if change.p_value is None else f"; McNemar p {p_cell(change.p_value)}"
    shown = change.p_value < SURE if change.p_value is not None else True
    return [Alternative("Accuracy moved by chance alone", points + p, shown)]


def _labels(found: dict[str, Any]) -> list[Alternative]:
    change = found["change"]
    if change is None or _group(found) == "sample":
        return []
    alike = change["labels_alike"]
    return [
        Alternative(
            "The labels changed, not the images", f"{100 * alike:.1f}% of labels are those of clean", alike == 1
        )
    ]


def _families(found: dict[str, Any]) -> list[Alternative]:
    """The nearest other candidates of the search, each with what it leaves of the change on images it was not fitted to."""
    told, listed = found["diagnosis"]["verdict"], found["diagnosis"]["candidates"]
    best = own_candidate(found)
    mine = None if best is None else best["misfit"]
    rows, names = [], {name_of(told)}
    for candidate in listed:
        name = name_of(candidate)
        if name in names or len(rows) == RIVALS:
            continue
        names.add(name)
        left = candidate["misfit"]
        said = f"leaves {_share(left)} of the change unexplained" + (
            f", the verdict {_share(mine)}" if mine is not None else ""
        )
        out = (
            left > max(mine + AS_GOOD, 1.25 * mine)
            if mine is not None and told["family"] != "unknown"
            else left > candidate["limit"]
        )
        rows.append(Alternative(f"It is {name}", said, out and candidate["family"] not in told["equivalent"]))
    return rows


def _values(found: dict[str, Any]) -> list[Alternative]:
    if found["change"] is None or _group(found) != "rearrangement":
        return []
    same = found["change"]["same_values"]
    number = f"{100 * same:.1f}% of images have, sorted, exactly the pixel values that they had"
    return [Alternative("Pixels changed their values, not only their places", number, same > 0.999)]


def _aim(found: dict[str, Any]) -> list[Alternative]:
    """Whether the change follows the model's gradient, for changes that were not aimed; asked only where something changed."""
    told = found["diagnosis"]["verdict"]
    aim = next((m for m in found["diagnosis"]["mechanisms"] if m["name"] == "adds_up"), None)
    if told["family"] in attacks() or aim is None or found["controls"] is None:
        return []
    agreement = aim["numbers"]["agreement"]
    number = f"agreement with the model's gradient {agreement['shifted']:.2f}, shuffled over the image {agreement['shuffled']:.2f} (an attack's is 1)"
    return [Alternative("It was aimed at this model", number, not aim["present"])]


def _size(evaluation: Evaluation, found: dict[str, Any]) -> list[Alternative]:
    """Whether any change as large would do: controls of the same size."""
    change, controls = evaluation.comparison, found["controls"]
    if controls is None or change is None or change.verdict != "lower":
        return []
    seen = found["diagnosis"]["accuracy"]
    here = f"variant {_percent(seen['shifted'])}" if seen else ""
    asked = {
        "shuffled": "Any change of this size does as much harm",
        "transplanted": "The same changes do as much harm to other images",
    }
    return [
        Alternative(
            explanation,
            f"{'each change shuffled over its image' if name == 'shuffled' else 'each image with the change of another'}: "
            f"{_interval(controls[name]['accuracy'])}; {here}",
            controls[name]["minus_control"]["high"] < 0,
        )
        for name, explanation in asked.items()
    ]


def _accident(found: dict[str, Any], repaired: dict[str, Any]) -> list[Alternative]:
    """Whether other images show the same: each half by itself, and images that the diagnosis did not see."""
    own, rows = name_of(found["diagnosis"]["verdict"]), []
    families = [name_of(half["verdict"]) for half in repaired["halves"]]
    if families:
        rows.append(
            Alternative(
                "The verdict is an accident of these images",
                f"each half by itself: {' and '.join(families)}",
                set(families) == {own},
            )
        )
    reaches = found["reaches"]
    if reaches is not None:
        number = f"{reaches['images']:,} images that were not looked at: accuracy {_percent(reaches['accuracy'])}, made again {_percent(reaches['remade'])}"
        out = abs(reaches["accuracy"] - reaches["remade"]) < OFF
        rows.append(Alternative("It does not do the same on other images", number, out))
    return rows


def _seeds(evaluations: Sequence[Evaluation]) -> list[Alternative]:
    others = [e.accuracy.estimate for e in evaluations[1:]]
    if not others:
        return []
    verdicts = {e.comparison.verdict for e in evaluations if e.comparison}
    number = f"{len(others)} other seeds: {100 * min(others):.1f} to {100 * max(others):.1f}%; first {percent_with_interval(evaluations[0].accuracy)}"
    return [Alternative("It is a peculiarity of one trained model", number, len(verdicts) == 1)]


def _group(found: dict[str, Any]) -> str:
    family = found["diagnosis"]["verdict"]["family"]
    return FAMILIES[family].group if family in FAMILIES else ""


def _share(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _interval(ends: dict[str, float]) -> str:
    return f"{100 * ends['estimate']:.1f}% [{100 * ends['low']:.1f}, {100 * ends['high']:.1f}]"
