"""A diagnosis as one HTML page: pictures, candidates, proof and reasons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from shiftassay.diagnosis.explanation import drawn
from shiftassay.diagnosis.mechanisms import Mechanism
from shiftassay.diagnosis.pictures import Pictures, pictures
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.files import write_whole
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.report.diagnosis_words import (
    ACCURACIES,
    INFORMATION,
    distinct,
    left,
    pairing,
    proved,
    reasons,
    sampled,
    verdict,
)
from shiftassay.report.finding import Figure, Finding, Report, Table
from shiftassay.report.write import page
from shiftassay.shifts.wording import in_short, in_words
from shiftassay.statistics.intervals import wilson

FLOOR = 1e-3  # share of the change below which bars are all as short
LONGEST = 66  # letters of a candidate's name on a chart
ROWS = {
    "remade": "the verdict's shift made again from the reference",
    "undone": "the shifted set with that shift undone",
    "left": "shifted − remade, blue where the shifted image is darker",
}


def write_page(
    path: Path,
    found: Diagnosis,
    before: ImageSet,
    after: ImageSet,
    model: nn.Module | None = None,
    seed: int = 0,
    about: Mapping[str, str] | None = None,
) -> Path:
    """Write the page; `about` is told at its end, beside what the diagnosis itself knows. Raises `BadInput` where it can't be written."""
    write_whole(path, page(report(found, before, after, model, seed, about)).encode())
    return path


def report(
    found: Diagnosis,
    before: ImageSet,
    after: ImageSet,
    model: nn.Module | None = None,
    seed: int = 0,
    about: Mapping[str, str] | None = None,
) -> Report:
    """The diagnosis as findings, in the order in which they are read."""
    seen = pictures(before, after, found, model, seed)
    sections = [_pictures(found, seen), _candidates(found), _accuracy(found, before, after), _why(found)]
    it = found.verdict
    summary = [f"Verdict: {verdict(found)}", f"Images: {pairing(found)}."]
    if it.information:
        summary.append(f"Information {INFORMATION[it.information]}.")
    if found.evaluations:
        summary.append(f"Accuracy: {' '.join(map(str, found.evaluations))}")
    if made := proved(found):
        summary.append(f"Proof: {made}.")
    if it.equivalent:
        summary.append(f"As good: {', '.join(it.equivalent)}.")
    facts = {
        "reference": _about(before),
        "shifted": _about(after),
        **(about or {}),
        "seed": str(seed),
        "seconds": f"{found.seconds:.1f}",
        "notes": " · ".join(found.notes) or "none",
    }
    return Report(
        f"{after.name} beside {before.name}",
        "Which shift lies between them, how is that known, and what does it do?",
        tuple(summary),
        tuple(s for s in sections if s is not None),
        Table(("", ""), tuple(facts.items())),
    )


def _about(images: ImageSet) -> str:
    c, h, w = images.shape
    labels = "with labels" if images.labels is not None else "without labels"
    return f"{images.name}: {len(images):,} images of {h} × {w}{f' in {c} channels' if c > 1 else ''}, {labels}"


def _pictures(found: Diagnosis, seen: Pictures) -> Finding:
    shown = [images for name, images in seen.rows.items() if name != "left"]
    ends = [0.0, 1.0]
    if (
        max(float(np.quantile(images, 0.99)) for images in shown[:2]) > 4
    ):  # on another scale: none would be seen in full
        ends = [min(float(i.min()) for i in shown), max(float(i.max()) for i in shown)]
    rows = "; ".join(f"{name}: {ROWS[name]}" for name in seen.rows if name in ROWS)
    columns = "A column is one image. " if seen.paired else "No image of one set is in the other. "
    scale = "" if ends == [0.0, 1.0] else f" Black is {ends[0]:.3g}, white {ends[1]:.3g}."
    figures = [
        Figure(
            "image_rows",
            {"rows": seen.rows, "signed": ("left",), "range": ends},
            f"{columns}{rows[:1].upper()}{rows[1:]}{'.' * bool(rows)}{scale}",
        )
    ]
    sentences = []
    if seen.unexplained:
        maps = [
            (
                "the whole change" if c is None else _families(c) + f"\nleaves {left(c)}",
                values,
            )
            for c, values in seen.unexplained
        ]
        figures.append(
            Figure(
                "left_over",
                {"maps": maps},
                "Where the change is, and where the nearest candidates leave it unexplained: mean squares over images. "
                "The percentage is the share of the change that is left on images to which nothing was fitted.",
            )
        )
    if found.verdict.shift is None:
        sentences.append("Nothing in the catalogue makes this shift; below is what the nearest families leave of it.")
    return Finding("pictures", "What it looks like", tuple(sentences), (), tuple(figures))


def _candidates(found: Diagnosis) -> Finding | None:
    told = distinct(found.candidates)
    if not told:
        return None
    paired = told[0].unexplained is not None
    values = [c.misfit for c in told]
    floor = FLOOR if paired else max(min(0.5 * v for v in values), 0.05)
    own = found.verdict.family if found.verdict.shift is not None else None
    figure = Figure(
        "unexplained",
        {
            "names": [_short(c) for c in told],
            "values": values,
            "said": [left(c) if paired else f"{c.misfit:.1f}" for c in told],
            "floor": floor,
            "limits": [c.limit for c in told],
            "verdict": next((i for i, c in enumerate(told) if c.family == own), None),
            "ticks": [0.001, 0.01, 0.1, 1] if paired else [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000],
            "percent": paired,
            "label": "share of the change left unexplained"
            if paired
            else "distance of the summary statistics, sampling errors",
        },
        (
            "What each candidate leaves, on images to which nothing was fitted. Beyond its mark, which lies the lower the more numbers "
            "it was free to choose, it does not count as found; of two that leave as much, the one with fewer numbers wins."
            if paired
            else "How far the remade set's summary statistics (grey values, pixel statistics) is from the shifted set's. Beyond its mark, "
            "further than halves of the reference are apart, a candidate does not count as found."
        ),
    )
    return Finding("candidates", "What else it might have been", (), (), (figure,))


def _accuracy(found: Diagnosis, before: ImageSet, after: ImageSet) -> Finding | None:
    rows: list[tuple[str, float, float, float, str]] = []
    n = found.images.remade
    for name, evaluation in zip(("reference", "shifted"), found.evaluations, strict=False):
        a = evaluation.accuracy
        rows.append((name, a.estimate, a.low, a.high, "accuracy"))
    for key, name in ACCURACIES.items():
        share = getattr(found.accuracy, key, None)
        if share is not None:
            interval = wilson(round(share * n), n)
            rows.append((name, share, interval.low, interval.high, "accuracy"))
    sentences, tables = [], []
    bound = found.ceiling
    if bound is not None:
        for oracle in bound.oracles:
            a = oracle.accuracy
            rows.append((f"oracle: {oracle.name}", a.estimate, a.low, a.high, "ceiling"))
        if bound.above:
            a = bound.above
            rows.append(("bound from above", a.estimate, a.low, a.high, "ceiling"))
        sentences.append(bound.sentence)
    if found.proof:
        tables.append(
            Table(
                ("check", "value", "two remakes", "passed"),
                tuple((p.check, f"{p.value:.3f}", f"{p.null:.3f}", "yes" if p.passed else "no") for p in found.proof),
                "The share of images that the model gets right or wrong alike on the shifted set and on a remake, beside that of two "
                "remakes drawn apart.",
            )
        )
    if not rows:
        return None
    classes = None if before.labels is None else len(np.unique(before.labels))
    again = f" ({drawn(n, len(after))}, where the shift is made again or undone)" if 0 < n < len(after) else ""
    figure = Figure(
        "dots",
        {"rows": rows, "chance": 1 / classes if classes else None},
        f"Accuracies on {len(after):,} images{again} with 95% intervals (oracles' are wider, for their number). Restored with partners may use each "
        "image's partner in the reference; restored without may not, and is what a repair could do.",
    )
    return Finding("proof", "Proof: made again, and undone", tuple(sentences), tuple(tables), (figure,))


def _why(found: Diagnosis) -> Finding | None:
    said = reasons(found)
    if found.ceiling is not None:
        said = said[:-1]
    measured = tuple(_numbers(m) for m in found.mechanisms if m.present)
    absent = [m for m in found.mechanisms if not m.present]
    if absent:
        rows = tuple((_spaced(m.name), _told(m.numbers)) for m in absent)
        measured += (Table(("mechanism", "numbers"), rows, words=("numbers",), folded="measured, and not the reason"),)
    if not said and not measured:
        return None
    if said and (sample := sampled(found)):
        said = [f"Measured {sample}.", *said]
    return Finding("why", "Why", tuple(said) or ("No mechanism that was measured passed its test.",), measured)


def _numbers(mechanism: Mechanism) -> Table:
    rows = tuple((_spaced(name), _told(value)) for name, value in mechanism.numbers.items())
    return Table(("number", "value"), rows, mechanism.sentence, ("value",), f"the numbers: {_spaced(mechanism.name)}")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _short(candidate: CandidateSummary) -> str:
    """Its families, and its numbers where there is room."""
    whole = in_words(candidate, brief=True)
    return whole if len(whole) <= LONGEST else in_short(candidate)


def _families(candidate: CandidateSummary) -> str:
    """Its families, a line for each."""
    return in_short(candidate).replace(", then ", ",\nthen ")


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_spaced(name)} {_told(v)}" for name, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value[:12])) + (", …" if len(value) > 12 else "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
