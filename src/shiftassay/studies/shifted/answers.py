"""The whole study in one table: variant, accuracy, verdict, why, repair, after."""

from collections.abc import Sequence
from typing import Any

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.report.finding import Finding, Table
from shiftassay.studies.shifted.pages import verdict_text
from shiftassay.words.lists import listed

COLUMNS = ("variant", "accuracy, % [95%]", "verdict", "why", "repair", "after, % [95%]")
REASONS = 2
OUTCOMES = {
    "nothing_to_repair": "nothing to repair",
    "repaired": "accuracy comes back",
    "partly_repaired": "accuracy comes back in part",
    "no_repair_found": "no repair was found",
    "cannot_be_repaired": "no repair can exist",
}
# Mechanisms in a few words; each stands with its numbers on the variant's page.
BRIEFLY = {
    "adds_up": "the pixels' effects add up along the model's gradient",
    "beyond_range": "first-layer units are driven beyond what training drove them to",
    "biases": "biases stay as the input shrinks",
    "cancels": "the pixels' effects cancel",
    "class_prior": "classes have other shares",
    "classes_merge": "the images themselves tell classes apart less",
    "dies_out": "it dies out on its way through the network",
    "first_order": "the gradient alone foretells it",
    "grows": "it grows on its way through the network",
    "in_one_band": "one band of frequencies carries the harm",
    "in_one_place": "one part of the image carries the harm",
    "narrow_margins_lost": "images with narrow margins are lost",
    "network_merges": "the network's features run together",
    "no_linear_map": "no fixed weights fit",
    "one_linear_map": "only the weights on the pixels are wrong",
    "other_weights": "pixels meet weights that were trained for others",
    "out_of_step": "labels are out of step with images",
    "outside_span": "it puts energy where training images have none",
    "overconfident": "confidence stays while accuracy falls",
    "renumbered": "classes go by other numbers",
    "silent_units": "units fall silent",
    "within_margins": "margins are wider than what it moves",
    "woken_units": "units wake that never learned",
    "wrong_labels": "labels are wrong, not answers",
}


def answer(evaluation: Evaluation, found: dict[str, Any], repaired: dict[str, Any]) -> dict[str, Any]:
    """One variant's row, as data. `after` is under a fresh attack where that decides; None where nothing is recommended."""
    present = [m["name"] for m in found["diagnosis"]["mechanisms"] if m["present"]]
    said: list[str] = [BRIEFLY.get(str(name), str(name).replace("_", " ")) for name in present]
    nothing = found["diagnosis"]["verdict"]["family"] == "identity"
    chosen = next((a for a in repaired["attempts"] if a["strategy"] == repaired["recommended"]), None)
    told = chosen if chosen is not None and chosen["strategy"] != "none" else None
    after = (told["attacked"] or told["variant"])["after"] if told else None
    return {
        "variant": evaluation.name,
        "accuracy": {k: getattr(evaluation.accuracy, k) for k in ("estimate", "low", "high")},
        "verdict": verdict_text(found),
        "why": "the images are the same" if nothing else "; ".join(said[:REASONS]) or "not known",
        "outcome": repaired["outcome"],
        "repair": told["strategy"] + ": " + told["what"] if told else repaired["outcome"].replace("_", " "),
        "after": after,
        "after_is_attacked": bool(told and told["attacked"]),
        "regained": _share_regained(told, repaired["clean"]) if told else None,
        "judged_on": found["images"],
    }


def finding(answers: Sequence[dict[str, Any]]) -> Finding:
    """The table that the report begins with."""
    names: dict[str, list[str]] = {}
    for a in answers:
        names.setdefault(a["outcome"], []).append(f"{a['variant']}{_regained(a)}")
    said = [f"{listed(names[outcome])}: {what}." for outcome, what in OUTCOMES.items() if outcome in names]
    return Finding(
        "answers",
        "What happened, why, and what can be done",
        (" ".join(said),),
        (
            Table(
                COLUMNS,
                tuple(tuple(cells(a)) for a in answers),
                "Each has a page below. Verdict, why and repair are of the first seed's model.",
                words=COLUMNS[2:5],
            ),
        ),
        numbers={"answers": list(answers)},
    )


def cells(row: dict[str, Any]) -> list[str]:
    """A row as it is read."""
    after = (
        "–" if row["after"] is None else _ends(row["after"]) + (", attacked afresh" if row["after_is_attacked"] else "")
    )
    return [row["variant"], _ends(row["accuracy"]), row["verdict"], row["why"], row["repair"], after]


def _share_regained(attempt: dict[str, Any], clean: dict[str, float]) -> float:
    """The share of the lost accuracy that a repair brings back."""
    change = attempt["attacked"] or attempt["variant"]
    lost = clean["estimate"] - change["before"]["estimate"]
    return (change["after"]["estimate"] - change["before"]["estimate"]) / max(lost, 1e-9)


def _regained(row: dict[str, Any]) -> str:
    return f" ({100 * row['regained']:.0f}% of what was lost)" if row["outcome"] == "partly_repaired" else ""


def _ends(interval: dict[str, float]) -> str:
    return f"{100 * interval['estimate']:.2f} [{100 * interval['low']:.2f}, {100 * interval['high']:.2f}]"
