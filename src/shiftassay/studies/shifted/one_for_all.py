"""What comes of one model for all variants: the finding on what `serving.measure` measured."""

from collections.abc import Mapping
from typing import Any

from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.shifted.serving import FRESH, SPECIALISTS
from shiftassay.studies.shifted.serving import measure as measure
from shiftassay.words.lists import listed
from shiftassay.words.numbers import minus

KEY, TITLE = "one-for-all", "One model for all variants"
LEARNED = 0.5  # accuracy on clean images below which a model has learned too little to compare designs by
CLOSE = 0.005  # of a specialist's accuracy: the study's own margin

Numbers = Mapping[str, Any]


def finding(found: dict[str, Any]) -> Finding:
    designs, chosen = found["designs"], _chosen(found)
    columns = list(designs[chosen]["accuracy"])
    tables = [
        _accuracies(found, columns),
        *([_differences(designs, columns)] if SPECIALISTS in designs else []),
        _ids(found, chosen),
    ]
    return Finding(
        KEY,
        TITLE,
        tuple(_sentences(found, chosen)),
        tuple(tables),
        (
            Figure(
                "designs",
                {
                    "columns": columns,
                    "designs": {
                        name: [[d["accuracy"][c][end] for end in ("estimate", "low", "high")] for c in columns]
                        for name, d in designs.items()
                    },
                },
                "Accuracy of every design on every variant, told which it is, with 95% intervals"
                + (" for new seeds and new images." if found["seeds"] > 1 else " for new images."),
            ),
        ),
        found,
    )


def _chosen(found: Numbers) -> str:
    """The single model with the highest mean accuracy on held-out training images; the first where none were held out."""
    single = {n: list(d["held_out"].values()) for n, d in found["designs"].items() if n != SPECIALISTS}
    return max(single, key=lambda name: sum(single[name]))


def _sentences(found: Numbers, chosen: str) -> list[str]:
    design, seeds = found["designs"][chosen], found["seeds"]
    first = next(iter(design["accuracy"]))
    if design["accuracy"][first]["estimate"] < LEARNED:
        return [
            f"Nothing can be said: after so little training the best design, {chosen}, is right on {_percent(design['accuracy'][first])}% of {first} images, "
            "so it has not learned its task. Train for longer."
        ]
    others = [name for name in found["designs"] if name not in (chosen, SPECIALISTS)]
    more = design["parameters"] / found["plain_parameters"] - 1
    size = f"{100 * more:.1f}% more than" if more else "as many as"
    said = [
        f"{chosen} is the single model that does best on held-out training images"
        + (f" (against {listed(others)})" if others else "")
        + f": {design['parameters']:,} parameters, {size} the plain network, and {design['for_one_more']:,} for one more variant; "
        f"{seeds} seed{'s' * (seeds > 1)}, {found['epochs']} epochs of training images that are each shown as one of the variants.",
        _fronts(found),
        *_against(found, chosen, "clean-only", "the same network trained on clean alone"),
        *_against(found, chosen, "mixture", "the same network trained on the mixture without being told the variant"),
        *_against_specialists(found, chosen),
        *_attacks(found, chosen),
        *_wrong(found, chosen),
        _routed(found, chosen),
    ]
    return [sentence for sentence in said if sentence]


def _fronts(found: Numbers) -> str:
    fronts = {name: v["front"] for name, v in found["variants"].items() if v["front"] != "as it is"}
    if not fronts or not any(name.startswith("undo") for name in found["designs"]):
        return ""
    return (
        "What undo does before the network, by id and without parameters: "
        f"{'; '.join(f'{name}, {front}' for name, front in fronts.items())}."
    )


def _against(found: Numbers, chosen: str, other: str, named: str) -> list[str]:
    """Where accuracy moves by more than the margin if another design is replaced by the chosen one."""
    if other not in found["designs"] or chosen == other:
        return []
    before, after = (found["designs"][design]["accuracy"] for design in (other, chosen))
    ends = {column: (before[column]["estimate"], after[column]["estimate"]) for column in after}
    moved = [f"{column} from {100 * a:.1f} to {100 * b:.1f}%" for column, (a, b) in ends.items() if abs(b - a) > CLOSE]
    stays = [column for column, (a, b) in ends.items() if abs(b - a) <= CLOSE]
    if not moved:
        return [f"Against {named} nothing moves by more than {100 * CLOSE:g} points."]
    rest = f"; it stays within {100 * CLOSE:g} points on {listed(stays)}" if stays else ""
    return [f"Against {named} accuracy goes on {listed(moved)}{rest}."]


def _against_specialists(found: Numbers, chosen: str) -> list[str]:
    differences = found["designs"][chosen]["minus_specialists"]
    if differences is None:
        return []
    shown, near, below = [], [], []
    for column, interval in differences.items():
        if interval["low"] > -CLOSE:
            shown.append(column)
        elif interval["estimate"] >= -CLOSE:
            near.append(column)
        else:
            below.append(f"{column} ({_points(interval)})")
    said, margin = [], f"{100 * CLOSE:g} points"
    alone = "" if found["seeds"] > 1 else " (one seed: these models, not what other seeds would give)"
    if shown:
        said.append(
            f"One model in place of {len(found['variants'])}: it is shown to be at most {margin} below the specialists on {listed(shown)}{alone}."
        )
    if near:
        said.append(f"On {listed(near)} it is within {margin} of them as measured, which its interval does not show.")
    if below:
        said.append(f"It is more than {margin} below the specialist on {listed(below)}.")
    lost = [n for n, v in found["variants"].items() if v["information"] == "destroyed"]
    accuracy, of_specialist = (found["designs"][d]["accuracy"] for d in (chosen, SPECIALISTS))
    said += [
        f"{n} cannot be repaired, so its specialist is the measure: it has {_percent(of_specialist[n])} from what the shift leaves, the one model {_percent(accuracy[n])}."
        for n in lost
    ]
    return said  # fmt: skip


def _attacks(found: Numbers, chosen: str) -> list[str]:
    said = []
    for column, of_it in found["designs"][chosen]["accuracy"].items():
        if not column.endswith(FRESH):
            continue
        name = column.removesuffix(FRESH)
        file = found["designs"][chosen]["accuracy"][name]
        said.append(
            f"{name} as a file, which was made on another model: {_percent(file)}. Attacked afresh, every image by two attacks on this very model: "
            f"{_percent(of_it)} of {found['asked']:,} images."
        )
    return said


def _wrong(found: Numbers, chosen: str) -> list[str]:
    by_id = found["designs"][chosen]["wrong_id"]
    worst = {
        name: min((accuracy, said) for said, accuracy in row.items() if said != name)
        for name, row in by_id.items()
        if len(row) > 1
    }
    hurt = {n: (a, said) for n, (a, said) in worst.items() if by_id[n][n] - a > CLOSE}
    if not hurt:
        return ["A wrong id does no harm: no variant loses more than half a point under any other."]
    spared = [n for n in worst if n not in hurt]
    said = "; ".join(
        f"{n} told to be {said}, {100 * by_id[n][n]:.1f} → {100 * a:.1f}%" for n, (a, said) in hurt.items()
    )
    return [f"A wrong id hurts, at worst: {said}." + (f" No other id hurts {listed(spared)}." if spared else "")]


def _routed(found: Numbers, chosen: str) -> str:
    router, inferred = found["router"], found["designs"][chosen]["inferred"]
    told = found["designs"][chosen]["wrong_id"]
    accuracies = ", ".join(f"{name} {100 * accuracy:.1f}%" for name, accuracy in router["accuracy"].items())
    lost = {name: told[name][name] - accuracy for name, accuracy in inferred.items()}
    worst = max(lost, key=lambda name: lost[name])
    end = (
        f"with its ids the one model loses most on {worst}, {100 * lost[worst]:.1f} points"
        if lost[worst] > CLOSE
        else f"with its ids the one model loses at most {100 * max(lost[worst], 0):.2f} points on any variant"
    )
    return f"Where nobody tells the id, a router of {router['parameters']:,} parameters infers it from the image ({accuracies}); {end}."


def _accuracies(found: Numbers, columns: list[str]) -> Table:
    rows = [
        (
            name,
            *(_percent(design["accuracy"][column]) for column in columns),
            _worst(design["accuracy"], columns),
            _worst(
                design["accuracy"],
                [c for c in columns if found["variants"][c.removesuffix(FRESH)]["information"] != "destroyed"],
            ),
            f"{design['parameters']:,}",
            f"{design['for_one_more']:,}",
            f"{design['attacks'] / 1e6:.1f}",
        )
        for name, design in found["designs"].items()
    ]
    return Table(
        (
            "design",
            *columns,
            "worst",
            "worst that can be repaired",
            "parameters",
            "for one more",
            "attack gradients, millions",
        ),
        tuple(rows),
        "Accuracy, %, with 95% intervals. Every network takes the same number of steps on as many images; specialists do so once for each "
        "variant. A fresh attack is made on the model in question, with 20 steps from two starts.",
        words=("worst", "worst that can be repaired"),
    )


def _worst(accuracy: Numbers, among: list[str]) -> str:
    column = min(among, key=lambda name: accuracy[name]["estimate"])
    return f"{column}: {_percent(accuracy[column])}"


def _differences(designs: Numbers, columns: list[str]) -> Table:
    rows = [
        (name, *(_points(design["minus_specialists"][column]) for column in columns))
        for name, design in designs.items()
        if name != SPECIALISTS
    ]
    return Table(
        ("design", *columns),
        tuple(rows),
        "Accuracy minus that of the variant's specialist, points, with 95% intervals.",
    )


def _ids(found: Numbers, chosen: str) -> Table:
    design = found["designs"][chosen]
    names = list(found["variants"])
    rows = [
        (
            name,
            *(f"{100 * design['wrong_id'][name][said]:.1f}" for said in names),
            f"{100 * design['inferred'][name]:.1f}",
            f"{100 * found['router']['accuracy'][name]:.1f}",
        )
        for name in names
    ]
    return Table(
        ("images of", *(f"told {name}" for name in names), "told by the router", "router right"),
        tuple(rows),
        f"Accuracy, %, of {chosen} on {found['asked']:,} images of each variant under every id.",
    )


def _percent(interval: Numbers) -> str:
    return f"{100 * interval['estimate']:.2f} [{100 * interval['low']:.2f}, {100 * interval['high']:.2f}]"


def _points(interval: Numbers) -> str:
    return minus(f"{100 * interval['estimate']:+.2f} [{100 * interval['low']:.2f}, {100 * interval['high']:.2f}]")
