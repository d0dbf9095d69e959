"""What sets two variants apart, in sentences: the finding on what `contrasts.measure` measured."""

from collections.abc import Mapping
from typing import Any

from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.words.numbers import minus, p_cell

ALIKE = 0.05  # relative difference up to which two sizes are called the same
LITTLE = 0.1  # of the accuracy that was lost: a difference below this is little beside it

Numbers = Mapping[str, Any]


def finding(measured: dict[str, Any], found: Mapping[str, Any], repaired: Mapping[str, Any], clean: float) -> Finding:
    """The contrast of two variants; `clean` is the accuracy on clean images."""
    one, other = measured["names"]
    said = [
        *_same(one, other, found),
        *_differs(one, other, found),
        *_unmodified(measured, clean),
        *_draws(measured),
        *_aim(measured, found),
        *_no_experiment(measured, found),
        *_repairs(one, other, repaired),
    ]
    return Finding(
        f"contrast-{one}-{other}",
        f"{one} and {other}: what sets them apart",
        tuple(said),
        tuple(_tables(measured, found)),
        tuple(_figures(measured)),
        measured,
    )


def _same(one: str, other: str, found: Mapping[str, Any]) -> list[str]:
    """What both have in common, as far as that was measured."""
    sides = [found[name]["change"] for name in (one, other)]
    if any(side is None for side in sides):
        return [
            f"The images of {one} and {other} cannot both be compared with clean image by image, so sizes and pixel values are not compared."
        ]
    if all(side["touched"] == 0 for side in sides):
        return [f"Nothing sets them apart: the images of {one} and of {other} are both those of clean."]
    said = []
    if all(side["same_values"] > 0.999 for side in sides):
        said.append(
            f"every image of {one} and of {other} has, sorted, exactly the pixel values that it has in clean: the histogram cannot tell them apart"
        )
    sizes = {n: [side[n][1] for side in sides] for n in ("linf", "l2")}
    if min(sizes["linf"]) > 0:
        names = {"linf": "L∞", "l2": "L2"}
        alike = [k for k, v in sizes.items() if max(v) - min(v) <= ALIKE * max(v)]
        said += [
            f"their changes are equally large in {names[k]} ({sizes[k][0]:.3g} and {sizes[k][1]:.3g}, medians over images)"
            for k in alike
        ]
    return (
        [f"The same: {'; '.join(said)}."]
        if said
        else [
            f"The same: neither pixel values nor the size of the change; {one} and {other} share only the images they began as."
        ]
    )


def _differs(one: str, other: str, found: Mapping[str, Any]) -> list[str]:
    told = [found[name]["diagnosis"]["verdict"] for name in (one, other)]
    sides, said = [found[name]["change"] for name in (one, other)], []
    if all(side is not None and side["touched"] == 0 for side in sides):
        return []
    texts = [found[name]["text"] or "unknown" for name in (one, other)]
    if told[0]["family"] == told[1]["family"] and told[0]["scope"] != told[1]["scope"]:
        said.append(
            f"by verdict one draw is shared by all images of {_named(told, one, other, 'shared')}, while every image of {_named(told, one, other, 'per_image')} has its own"
        )
    else:
        said.append(f"by verdict {one} is {texts[0]}, and {other} is {texts[1]}")
    if all(side is not None and side["l2"][1] > 0 for side in sides):
        for key, name in (("linf", "L∞"), ("l2", "L2")):
            a, b = (side[key][1] for side in sides)
            if abs(a - b) > ALIKE * max(a, b):
                said.append(f"in {name} their changes differ ({a:.3g} and {b:.3g})")
    return [f"What differs: {'; '.join(said)}."]


def _named(told: list[Numbers], one: str, other: str, scope: str) -> str:
    return one if told[0]["scope"] == scope else other


def _unmodified(measured: Numbers, clean: float) -> list[str]:
    """Whether the model as it is tells them apart, and if not, that it does not."""
    (one, other), found = measured["names"], measured["unmodified"]
    a, b = (side["estimate"] for side in found["accuracy"])
    accuracies = f"{one} {_ends(found['accuracy'][0])}%, {other} {_ends(found['accuracy'][1])}%"
    difference = found["difference"]
    if difference is None:
        return [
            f"The unmodified model: {accuracies}; the sets are not the same images in the same order, so that is not paired."
        ]
    points = f"{_ends(difference, '+')} points, McNemar p {p_cell(found['p_value'])}"
    lost = clean - min(a, b)
    near = max(a, b) < found["commonest"] + 0.05
    if lost < 0.005:
        return [f"The unmodified model is hurt by neither: {accuracies} ({points})."]
    unseen = difference["low"] <= 0 <= difference["high"]
    if unseen or abs(a - b) < LITTLE * lost:
        chance = (
            f" Both are near chance (always answering the commonest class gives {100 * found['commonest']:.1f}%)."
            if near
            else ""
        )
        shown = "is not shown to differ between the two" if unseen else "hardly differs between the two"
        return [
            f"The unmodified model {shown}: {accuracies} ({points}), where clean has {100 * clean:.1f}%.{chance} Its accuracy is no evidence "
            "of what sets them apart."
        ]
    return [f"The unmodified model tells them apart: {accuracies} ({points}); clean has {100 * clean:.1f}%."]


def _draws(measured: Numbers) -> list[str]:
    found, said = measured["draws"], []
    if found is None:
        return []
    undone = found["one_undone"]
    rows = [
        f"on {name} it puts {100 * u['put_back']:.1f}% of the changed pixels back (one at random {100 * u['at_random']:.1f}%), and accuracy goes from {100 * u['before']:.1f} to {100 * u['accuracy']:.1f}%"
        for name, u in undone.items()
        if u is not None
    ]
    if rows:
        said.append(
            f"Do the images agree on one draw? One fitted to half of the images was undone on the other half: {'; '.join(rows)}."
        )
    first, last = found["dose"][0], found["dose"][-1]
    moved = first["learned"]["estimate"] - last["learned"]["estimate"]
    kept = first["unmodified"]["estimate"] - last["unmodified"]["estimate"]
    falls = first["learned"]["low"] > last["learned"]["high"]
    end = (
        f"So what sets them apart is whether images share the draw: it decides what can be learned ({100 * moved:.1f} points)"
        + (
            f", {'and' if abs(kept) > 0.05 else 'not'} what the unmodified model does ({minus(f'{100 * kept:+.1f}')} points)."
        )
        if falls
        else "The number of draws is not shown to matter for what can be learned, so this experiment does not set them apart."
    )
    said.append(
        f"The experiment: the same images, family and values, and only the number of draws dealt out among them varied, from {first['draws']} to one for each. "
        f"The same network, trained on {found['learned']:,} training images so dealt, goes from {_ends(first['learned'])}% to {_ends(last['learned'])}%; the unmodified "
        f"model from {_ends(first['unmodified'])}% to {_ends(last['unmodified'])}%. {end}"
    )
    return said


def _aim(measured: Numbers, found: Mapping[str, Any]) -> list[str]:
    aim = measured["aim"]
    if aim is None:
        return []
    controls, mixed, larger = found[aim["aimed"]]["controls"], aim["mixed"], aim["larger"]
    first, last = mixed[0], mixed[-1]
    said = []
    falls = first["accuracy"]["low"] > last["accuracy"]["high"]
    said.append(
        f"The experiment: every pixel changes as in {aim['unaimed']} or as in {aim['aimed']}, chosen by lot, and only the share of aimed pixels varies. "
        f"With none aimed accuracy is {_ends(first['accuracy'])}%, with half {_ends(mixed[len(mixed) // 2]['accuracy'])}%, with all {_ends(last['accuracy'])}%, while L∞ goes "
        f"from {first['linf']:.3g} to {last['linf']:.3g} and L2 from {first['l2']:.3g} to {last['l2']:.3g}. "
        + ("So aim, not size, does it." if falls and last["l2"] <= first["l2"] * (1 + ALIKE) else "Accuracy falls, but the size grows with it." if falls else "Aim is not shown to matter.")
    )  # fmt: skip
    if controls is not None:
        across = controls["transplanted"]
        spared = across["minus_control"]["high"] < 0
        said.append(
            f"The control: the very perturbations of {aim['aimed']}, each on another image, leave {_ends(across['accuracy'])}%"
            + (
                ": they harm the image they were made for, so it is neither their size nor their pattern."
                if spared
                else ": they harm other images as much, so their pattern alone explains it."
            )
        )
    if not falls:
        return said
    target = last["accuracy"]["estimate"]
    reached = next((row for row in larger if row["accuracy"]["estimate"] <= target), None)
    said.append(
        f"For as much harm the change of {aim['unaimed']} has to be {reached['times']} times as large (accuracy {_ends(reached['accuracy'])}%, L∞ {reached['linf']:.3g})."
        if reached is not None
        else f"The change of {aim['unaimed']} does not harm as much even {larger[-1]['times']} times as large (accuracy {_ends(larger[-1]['accuracy'])}%)."
    )
    return said


def _no_experiment(measured: Numbers, found: Mapping[str, Any]) -> list[str]:
    one, other = measured["names"]
    sides = [found[name]["change"] for name in (one, other)]
    if measured["kind"] or all(side is not None and side["touched"] == 0 for side in sides):
        return []
    return [
        f"No experiment isolates the difference: {one} and {other} do not differ in one thing alone (the draw's scope, or the aim of a change), "
        "so what is said of them stands on their own pages."
    ]


def _repairs(one: str, other: str, repaired: Mapping[str, Any]) -> list[str]:
    """Where the difference shows once the model is repaired."""
    said = []
    for strategy in ("undo", "retrain", "adversarial training"):
        tried = [next((a for a in repaired[n]["attempts"] if a["strategy"] == strategy), None) for n in (one, other)]
        if not any(tried):
            continue
        ends = [
            f"{name} {_ends((a['attacked'] or a['variant'])['after'])}%"
            + (" under a fresh attack" if a["attacked"] else "")
            if a
            else f"{name} not tried ({repaired[name]['skipped'].get(strategy, 'there was nothing to repair')})"
            for name, a in zip((one, other), tried, strict=True)
        ]
        said.append(f"{strategy}: {', '.join(ends)}")
    return [f"After repair: {'; '.join(said)}."] if said else []


def _tables(measured: Numbers, found: Mapping[str, Any]) -> list[Table]:
    if measured["draws"]:
        rows = [
            (str(row["draws"] or "one for each image"), _ends(row["unmodified"]), _ends(row["learned"]))
            for row in measured["draws"]["dose"]
        ]
        return [
            Table(
                ("draws among all images", "unmodified model, % [95%]", "trained on such images, % [95%]"),
                tuple(rows),
                f"Test images under the same draws as the training images; {measured['draws']['epochs']} epochs from scratch, one seed.",
            )
        ]
    if measured["aim"]:
        aim = measured["aim"]
        rows = [
            (f"{100 * r['aimed']:.0f}% of pixels aimed", _ends(r["accuracy"]), f"{r['linf']:.3g}", f"{r['l2']:.3g}")
            for r in aim["mixed"]
        ]
        rows += [
            (f"{aim['unaimed']} × {r['times']}", _ends(r["accuracy"]), f"{r['linf']:.3g}", f"{r['l2']:.3g}")
            for r in aim["larger"][1:]
        ]
        controls = found[aim["aimed"]]["controls"] or {}
        rows += [
            (f"{aim['aimed']}, {how}", _ends(control["accuracy"]), "as above", "as above")
            for how, control in controls.items()
        ]
        return [
            Table(
                ("change", "accuracy, % [95%]", "L∞", "L2"),
                tuple(rows),
                f"On {aim['images']:,} images; sizes are medians over images.",
            )
        ]
    return []


def _figures(measured: Numbers) -> list[Figure]:
    if measured["draws"]:
        dose = measured["draws"]["dose"]
        series = {"trained on such images": "learned", "unmodified model": "unmodified"}
        return [
            _dose(
                [str(r["draws"] or "each") for r in dose],
                "draws among all images",
                {k: [r[v] for r in dose] for k, v in series.items()},
            )
        ]
    if measured["aim"]:
        rows = measured["aim"]["mixed"]
        return [
            _dose(
                [f"{100 * r['aimed']:.0f}" for r in rows],
                "pixels that are aimed, %",
                {"unmodified model": [r["accuracy"] for r in rows]},
            )
        ]
    return []


def _dose(ticks: list[str], label: str, series: dict[str, list[Numbers]]) -> Figure:
    data = {
        "ticks": ticks,
        "label": label,
        "series": {n: [[r[e] for e in ("estimate", "low", "high")] for r in rows] for n, rows in series.items()},
    }
    return Figure("dose", data, f"Accuracy by {label}, with 95% intervals; nothing else varies.")


def _ends(interval: Numbers, sign: str = "") -> str:
    return minus(f"{100 * interval['estimate']:{sign}.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]")
