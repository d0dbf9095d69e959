"""A page for each variant: claim, evidence, other explanations, repair, limits. Every sentence is composed from measurements."""

from collections.abc import Sequence
from typing import Any

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.shifts.catalogue import attacks
from shiftassay.shifts.family import FAMILIES
from shiftassay.studies.shifted.alternatives import Alternative, alternatives, name_of, own_candidate
from shiftassay.studies.shifted.diagnoses import beyond, pictures
from shiftassay.words.lists import listed
from shiftassay.words.numbers import brackets, minus, percent_with_interval, to_interval

REASONS = 3
DOUBTFUL = 0.9  # confidence below which a verdict is called doubtful
MUCH = 0.1  # of the change: what a verdict may leave unexplained without a word on it

INFORMATION = {
    "preserved": "nothing of the image is lost",
    "reduced": "part of the image is lost",
    "destroyed": "only what ignores position is left of the image",
}


def page(
    name: str, origin: str, evaluations: Sequence[Evaluation], found: dict[str, Any], repaired: dict[str, Any]
) -> Finding:
    """The page of one variant; `evaluations` are those of every seed's model on it."""
    others = alternatives(evaluations, found, repaired)
    doubts = _doubts(found, others)
    said = [
        f"Claim: {claim(name, evaluations[0], found)}",
        *_evidence(found),
        *_why(evaluations[0], found),
        _weighed(others),
        f"Repair: {repaired['sentence']}",
        *([f"The evidence is thin: {'; '.join(doubts)}."] if doubts else []),
        *_limits(evaluations, found, repaired),
    ]
    tables = [
        Table(
            ("another explanation", "what was measured", "ruled out"),
            tuple((o.explanation, o.number, "yes" if o.ruled_out else "no") for o in others),
            "Other explanations, and the number that rules each out or does not. What a family leaves unexplained is measured on images "
            "that it was not fitted to; 100% is what doing nothing leaves, or more where the candidate makes it worse.",
            words=("what was measured",),
        )
    ]
    if repaired["attempts"]:
        tables.append(_repairs(repaired))
    return Finding(
        f"variant-{name}",
        f"{name}: {headline(evaluations[0], found)}",
        tuple(said),
        tuple(tables),
        (Figure("samples", {"file": pictures(name), "names": list(found["pictures"])}, _caption(name, found)),),
        {"origin": origin, "diagnosis": found, "repair": repaired, "alternatives": [vars(o) for o in others]},
    )


def headline(evaluation: Evaluation, found: dict[str, Any]) -> str:
    """What happened, in a few words."""
    told = found["diagnosis"]["verdict"]
    if told["family"] == "unknown":
        return "an unknown shift"
    if told["family"] == "identity":
        return "nothing happened"
    assert evaluation.comparison is not None
    harm = {
        "equivalent": "no harm",
        "undecided": "no harm shown",
        "lower": "accuracy is lost",
        "higher": "accuracy is gained",
    }[evaluation.comparison.verdict]
    each = ", afresh for each image" if told["scope"] == "per_image" else ""
    return f"{verdict_text(found, short=True)}{each}, {harm}"


def verdict_text(found: dict[str, Any], short: bool = False) -> str:
    """The verdict as it is read; `short` names the families alone."""
    told = found["diagnosis"]["verdict"]
    if told["family"] == "unknown":
        return "unknown"
    return name_of({**told, "scope": None}).replace("_", " ") if short else found["text"]


def claim(name: str, evaluation: Evaluation, found: dict[str, Any]) -> str:
    """What is claimed of a variant: what was done to it, and what that does to the model."""
    told, change = found["diagnosis"]["verdict"], evaluation.comparison
    assert change is not None
    family, harm = told["family"], _harm(evaluation)
    if family == "identity":
        return f"nothing happened to {name}. Its images are those of clean, and {harm}."
    if family in FAMILIES and FAMILIES[family].group == "sample":
        return f"nothing happened to the images of {name}; what changed is which there are, in what order, or how they are labelled ({found['text']}), and {harm}."
    if family == "unknown":
        return f"something happened to {name} that no family of the catalogue makes, and {harm}."
    lost = INFORMATION[told["information"]]
    if change.verdict == "equivalent":
        return f"nothing happened to {name} that matters to this model. It is clean under {found['text']}: {lost}, and {harm}."
    return f"{name} is clean under {found['text']}: {lost}, and {harm}."


def _harm(evaluation: Evaluation) -> str:
    change = evaluation.comparison
    assert change is not None
    points = f"{minus(f'{100 * change.difference.estimate:+.2f}')} points {brackets(change.difference)}"
    said = f"accuracy is {percent_with_interval(evaluation.accuracy)}, {points} against clean"
    if change.verdict == "equivalent":
        return f"{said}, which is shown to be within ±{100 * change.margin:g} points"
    return said + (": neither a change nor its absence can be shown" if change.verdict == "undecided" else "")


def _evidence(found: dict[str, Any]) -> list[str]:
    """How the verdict is known: made again, undone, and on images that it was not fitted to."""
    told, listed_ = found["diagnosis"]["verdict"], found["diagnosis"]["candidates"]
    accuracy, change = found["diagnosis"]["accuracy"], found["change"]
    if told["family"] == "unknown":
        nearest = listed_[0]
        return [
            f"Evidence: the nearest family, {name_of(nearest)}, leaves {_share(nearest['misfit'])} of the change unexplained on images "
            f"that it was not fitted to; of such a shift {_share(nearest['limit'])} would pass."
        ]
    said = []
    if told["family"] == "identity" and change is not None:
        return [f"Evidence: no pixel of any image differs by more than rounding (at most {change['linf'][2]:.2g})."]
    mine = own_candidate(found)
    if mine is not None:
        said.append(
            f"made again from clean, on images that it was not fitted to, it leaves {_share(mine['misfit'])} of the change unexplained"
        )
    if accuracy and accuracy["reproduced"] is not None:
        check = next((c for c in found["diagnosis"]["proof"] if c["check"] == "same mistakes"), None)
        alike = (
            f", right or wrong on the same {_share(check['value'])} of images (two remakes agree on {_share(check['null'])})"
            if check
            else ""
        )
        said.append(
            f"the model has {_percent(accuracy['shifted'])} on it and {_percent(accuracy['reproduced'])} on the remake{alike}"
        )
    if accuracy and accuracy["restored_blind"] is not None:
        said.append(
            f"undone without looking at clean images it has {_percent(accuracy['restored_blind'])} (clean {_percent(accuracy['reference'])})"
        )
    elif accuracy and accuracy["restored_with_partner"] is not None:
        said.append(
            f"undone, told what each image drew by its clean partner, it has {_percent(accuracy['restored_with_partner'])} "
            f"(clean {_percent(accuracy['reference'])}), which proves the verdict but is no repair"
        )
    aim = found["diagnosis"]["adversarial"]
    if told["family"] in attacks() and aim:
        said.append(aim["sentence"][0].lower() + aim["sentence"][1:].removesuffix("."))
    ends = [
        f"{key} {' to '.join(to_interval([low, high], low, high))}"
        for part in told["intervals"].get("parts", [told["intervals"]])
        for key, (low, high) in part.items()
        if _number(low) and low != high
    ]
    if ends:
        said.append(f"{100 * told['level']:.0f}% of such intervals hold the truth: {listed(ends)}")
    return [f"Evidence: {'; '.join(said)}."] if said else []


def _why(evaluation: Evaluation, found: dict[str, Any]) -> list[str]:
    measured = found["diagnosis"]["mechanisms"]
    present = [m["sentence"] for m in measured if m["present"]]
    if found["diagnosis"]["verdict"]["family"] == "identity":
        return []
    assert evaluation.comparison is not None
    word = {"lower": "Why it harms", "equivalent": "Why it does not harm"}.get(
        evaluation.comparison.verdict, "What it does"
    )
    if not present:
        return (
            [f"{word} is not known: none of {len(measured)} mechanisms that were measured passes its test."]
            if measured
            else []
        )
    return [f"{word}: {' '.join(present[:REASONS])}"]


def _weighed(others: Sequence[Alternative]) -> str:
    left = [o.explanation[0].lower() + o.explanation[1:] for o in others if not o.ruled_out]
    if not left:
        return f"All {len(others)} other explanations that are listed below are ruled out, each by a number."
    said = f"Of the {len(others)} other explanations that are listed below {len(others) - len(left)} are ruled out, each by a number"
    return f"{said}. Not ruled out: {'; '.join(left)}."


def _doubts(found: dict[str, Any], others: Sequence[Alternative]) -> list[str]:
    """What makes the claim itself doubtful."""
    told, doubts = found["diagnosis"]["verdict"], []
    if told["confidence"] < DOUBTFUL:
        doubts.append(f"the probability that family and scope are right is only {told['confidence']:.2f}")
    mine = own_candidate(found)
    if mine is not None and mine["misfit"] > MUCH and told["family"] != "unknown":
        doubts.append(f"{_share(mine['misfit'])} of the change stay unexplained")
    doubts += [
        f"the remake does not make the same mistakes ({_share(c['value'])} alike, two remakes {_share(c['null'])})"
        for c in found["diagnosis"]["proof"]
        if not c["passed"]
    ]
    if found["diagnosis"]["pairing"]["kind"] == "unpaired":
        doubts.append("its images have no partners in clean, so nothing could be compared image by image")
    accident = next((o for o in others if o.explanation.startswith("The verdict is an accident")), None)
    if accident is not None and not accident.ruled_out:
        doubts.append(accident.number)
    if told["equivalent"]:
        doubts.append(f"{listed(told['equivalent'])} would explain it as well")
    return doubts


def _repairs(repaired: dict[str, Any]) -> Table:
    under = any(a["attacked"] for a in repaired["attempts"])
    columns = [
        "repair",
        "on the variant, % [95%]",
        "change, points [95%]",
        "on clean, % [95%]",
        "parameters trained",
        "assumes",
    ]
    first = ["none", _ends(repaired["variant"]), "", _ends(repaired["clean"]), "0", ""]
    if under:
        columns.insert(3, "under a fresh attack, % [95%]")
        first.insert(3, _ends(next(a["attacked"]["before"] for a in repaired["attempts"] if a["attacked"])))
    rows = [tuple(first)]
    for attempt in repaired["attempts"]:
        if attempt["strategy"] == "none":
            continue
        chosen = " (recommended)" if attempt["strategy"] == repaired["recommended"] else ""
        row = [
            f"{attempt['strategy']}{chosen}: {attempt['what']}",
            _ends(attempt["variant"]["after"]),
            _ends(attempt["variant"]["difference"], "+"),
            _ends(attempt["clean"]["after"]),
            f"{attempt['cost']['parameters_trained']:,}",
            attempt["assumption"],
        ]
        if under:
            row.insert(3, _ends(attempt["attacked"]["after"]) if attempt["attacked"] else "–")
        rows.append(tuple(row))
    n = repaired["attempts"][0]["variant"]["n"]
    skipped = "; ".join(f"{name}: {why}" for name, why in repaired["skipped"].items())
    caption = (
        f"Each repair was fitted to what one half of {n:,} images shows and judged on the other, both ways round."
        + (f" Not tried: {skipped}." if skipped else "")
    )
    return Table(tuple(columns), tuple(rows), caption, words=("assumes",))


def _limits(evaluations: Sequence[Evaluation], found: dict[str, Any], repaired: dict[str, Any]) -> list[str]:
    told, said = found["diagnosis"]["verdict"], []
    if found["images"] < found["set"]:
        said.append(f"verdict and repair rest on {found['images']:,} of its {found['set']:,} images, accuracy on all")
    if len(evaluations) == 1:
        said.append("one trained model was asked, so nothing is said of what another seed would do")
    if told["share"] < 1:
        said.append(f"the shift touched {_share(told['share'])} of the images, and nobody told which")
    still = told["parameters"].get("unidentified")
    if still:
        said.append(f"{len(still)} places show the same value in every image, so where those came from cannot be known")
    if told["family"] in attacks():
        attacked = next((a["attacked"]["n"] for a in repaired["attempts"] if a["attacked"]), 0)
        said.append(
            f"a stronger attack than ours may leave less; fresh attacks were made on {attacked:,} images"
            if attacked
            else "no repair was attacked afresh"
        )
    said += [note.removesuffix(".") for note in (*found["diagnosis"]["notes"], *repaired["notes"])]
    return [f"Limits: {'; '.join(said)}."] if said else []


def _caption(name: str, found: dict[str, Any]) -> str:
    rows = found["pictures"]
    wide = [f"{row} from {ends[0]:.3g} to {ends[1]:.3g}" for row, ends in rows.items() if beyond(ends)]
    said = f"The first image of each class: {listed(list(rows))}."
    return said + (f" Drawn between their own extremes: {listed(wide)}." if wide else "")


def _ends(interval: dict[str, float], sign: str = "") -> str:
    ends = f"{100 * interval['estimate']:{sign}.2f} [{100 * interval['low']:.2f}, {100 * interval['high']:.2f}]"
    return minus(ends)


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def _share(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.0995 else f"{100 * share:.1f}%"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
