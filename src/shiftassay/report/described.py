"""What a figure shows, in words, composed from its data: for those who can't see it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from shiftassay.report.finding import Figure
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, number, percent

MOST = 12  # entries that are read out


def described(figure: Figure) -> str:
    """What the figure shows, with its main numbers.

    >>> dots = {"rows": [{"name": "reference", "estimate": 0.97}, {"name": "shifted", "estimate": 0.5}], "chance": 0.1}
    >>> described(Figure("dots", dots, ""))
    'Dots with intervals: reference 97.0%, shifted 50.0%. Chance is 10.0%.'
    """
    describe = _DESCRIPTIONS.get(figure.kind)
    return describe(figure.data) if describe else _names(figure)


def _names(figure: Figure) -> str:
    names = [str(name) for name in figure.data.get("names", ())]
    return f"Chart ({figure.kind.replace('_', ' ')})" + (f" of {_entries(names)}." if names else ".")


def _entries(entries: list[str]) -> str:
    more = len(entries) - MOST
    return listed([*entries[:MOST], *([f"{more:,} more"] if more > 0 else [])])


def _valued(names: Any, values: Any) -> str:
    return ", ".join(f"{name} {percent(value, 1)}" for name, value in list(zip(names, values, strict=True))[:MOST])


def _rows(data: Mapping[str, Any]) -> str:
    columns = max(len(images) for images in data["rows"].values())
    sizes = [
        f"{name}: differences of {number(float(np.abs(data['rows'][name]).mean()), 3)} on average"
        for name in data["signed"]
        if name in data["rows"]
    ]
    return f"Rows of {plural(columns, 'picture')}: {listed(list(data['rows']))}. {'; '.join(sizes)}".strip(" ") + (
        "." if sizes else ""
    )


def _samples(data: Mapping[str, Any]) -> str:
    return f"Rows of pictures: {_entries(list(data['names']))}."


def _residuals(data: Mapping[str, Any]) -> str:
    of = [f"{name.replace(chr(10), ' ')}" for name in data["names"]]
    return f"Maps of the mean square in each pixel: {_entries(of)}."


def _unexplained(data: Mapping[str, Any]) -> str:
    of = [f"{name} {text}" for name, text in zip(data["names"], data["texts"], strict=True)]
    return f"For each candidate, {data['label']}: {_entries(of)}."


def _dots(data: Mapping[str, Any]) -> str:
    chance = "" if data["chance"] is None else f" Chance is {percent(data['chance'], 1)}."
    return (
        f"Dots with intervals: {_valued([r['name'] for r in data['rows']], [r['estimate'] for r in data['rows']])}."
        f"{chance}"
    )


def _accuracy(data: Mapping[str, Any]) -> str:
    return (
        f"Accuracies with intervals: {_valued(data['names'], data['estimate'])}; chance {percent(data['chance'], 1)}."
    )


def _confidence(data: Mapping[str, Any]) -> str:
    of = [
        f"{name} {percent(right, 1)} right, {percent(sure, 1)} sure"
        for name, right, sure in zip(data["names"], data["accuracy"], data["confidence"], strict=True)
    ]
    return f"Accuracy beside mean confidence: {_entries(of)}."


def _recall(data: Mapping[str, Any]) -> str:
    of = []
    for name, row in zip(data["names"], data["recall"], strict=True):
        known = {place: value for place, value in enumerate(row) if value is not None}
        lowest = min(known, key=lambda place: known[place]) if known else None
        of.append(f"{name} {DASH if lowest is None else f'class {lowest} lowest, {percent(known[lowest], 1)}'}")
    return f"Recall of each class: {_entries(of)}."


def _confusions(data: Mapping[str, Any]) -> str:
    of = []
    for name, matrix in zip(data["names"], data["matrices"], strict=True):
        wrong = np.array(matrix, float)
        np.fill_diagonal(wrong, 0)
        true, answer = np.unravel_index(wrong.argmax(), wrong.shape)
        of.append(f"{name}, most often {true} taken for {answer} ({wrong[true, answer]:,.0f} images)")
    return f"Confusion matrices: {_entries(of)}."


def _curves(data: Mapping[str, Any]) -> str:
    last = [member["loss"][-1] for member in data["members"]]
    return f"Loss and accuracy by epoch of {plural(len(last), 'seed')}; the last training loss is {number(last[0], 3)}."


def _series(data: Mapping[str, Any]) -> str:
    of = [
        f"{name} {', '.join(f'{tick} {percent(row[0], 1)}' for tick, row in zip(data['ticks'], rows, strict=True))}"
        for name, rows in data["series"].items()
    ]
    return f"Accuracy by {data['label']}: {_entries(of)}."


def _designs(data: Mapping[str, Any]) -> str:
    of = [
        f"{name} {', '.join(f'{c} {percent(row[0], 1)}' for c, row in zip(data['columns'], rows, strict=True))}"
        for name, rows in data["designs"].items()
    ]
    return f"Accuracy of each design: {_entries(of)}."


def _power(data: Mapping[str, Any]) -> str:
    of = [f"{name} {number(power[0], 3)} to {number(power[-1], 3)}" for name, power in data["power"].items()]
    return f"Mean power from the coarsest to the finest detail: {_entries(of)}."


_DESCRIPTIONS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "accuracy": _accuracy,
    "confidence": _confidence,
    "confusions": _confusions,
    "curves": _curves,
    "designs": _designs,
    "dose": _series,
    "dots": _dots,
    "image_rows": _rows,
    "power": _power,
    "recall": _recall,
    "residuals": _residuals,
    "samples": _samples,
    "unexplained": _unexplained,
}
