"""A diagnosis as one HTML page: pictures, candidates, proof and reasons."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.mechanisms import Mechanism
from shiftassay.diagnosis.pictures import Pictures, ResidualMap, pictures
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.turned import TurnedImage
from shiftassay.diagnosis.wording import INFORMATION, distinct, on_sample, pairing_in_words, unexplained_in_words
from shiftassay.imagesets.image_set import ImageSet, class_name
from shiftassay.report import write
from shiftassay.report.diagnosis_answers import cards, code, title
from shiftassay.report.diagnosis_figures import Dot, DotKind, Dots, ImageRows, Residuals, Unexplained
from shiftassay.report.figures import without_images
from shiftassay.report.finding import Figure, Finding, Report, Table
from shiftassay.report.shift_itself import shift_itself
from shiftassay.shifts.wording import in_short, in_words
from shiftassay.statistics.intervals import wilson
from shiftassay.words.numbers import number

LONGEST = 66  # letters of a candidate's name on a chart
BRIGHT = (
    4  # 99% of values lie below: beyond it, images are on another scale than [0, 1], and none would be seen in full
)
ENTRIES = 12  # of a list of numbers
VISIBLE = 0.02  # of black to white: a residual that is smaller everywhere is not drawn


def write_page(
    path: Path,
    diagnosis: Diagnosis,
    before: ImageSet,
    after: ImageSet,
    model: nn.Module | None = None,
    seed: int = 0,
    about: Mapping[str, str] | None = None,
    show_images: bool = True,
) -> Path:
    """Write the page, and beside it the same as Markdown, with its tables as CSV.

    `about` stands at its end, beside what the diagnosis itself knows. Without `show_images`, no image of either set is
    in it. Raises `BadInput` where it can't be written.
    """
    whole = report(diagnosis, before, after, model, seed, about)
    return write.write_page(path, whole if show_images else without_images(whole))


def report(
    diagnosis: Diagnosis,
    before: ImageSet,
    after: ImageSet,
    model: nn.Module | None = None,
    seed: int = 0,
    about: Mapping[str, str] | None = None,
) -> Report:
    """The diagnosis as answers, then as findings in the order in which they are read."""
    shown = pictures(before, after, diagnosis, model, seed)
    sections = [
        _verdict(diagnosis),
        _maps(shown),
        _candidates(diagnosis),
        _accuracy(diagnosis, before, after),
        _why(diagnosis),
        _turned(diagnosis, before, after),
        shift_itself(diagnosis, before, after, seed),
    ]
    facts = {
        "reference": _about(before),
        "shifted": _about(after),
        **(about or {}),
        "seed": str(seed),
        "seconds": number(diagnosis.seconds, 1),
        "notes": " · ".join(diagnosis.notes) or "none",
    }
    return Report(
        title(diagnosis),
        f"{after.name} beside {before.name}: {pairing_in_words(diagnosis.pairing)}.",
        (),
        tuple(section for section in sections if section is not None),
        Table(("", ""), tuple(facts.items())),
        facts=("diagnosis", f"{len(after):,} images", f"{number(diagnosis.seconds, 1)} s", f"seed {seed}"),
        cards=cards(diagnosis, shown, model is not None),
        pictures=_image_rows(shown),
        code=code(diagnosis),
    )


def _verdict(diagnosis: Diagnosis) -> Finding:
    verdict = diagnosis.verdict
    sentences = [f"Verdict: {verdict}."]
    if verdict.information and verdict.family != "identity":
        sentences.append(f"Information: {INFORMATION[verdict.information]}.")
    if diagnosis.evaluations:
        sentences.append(f"Accuracy: {' '.join(map(str, diagnosis.evaluations))}")
    if diagnosis.agreement_in_words:
        sentences.append(f"Agreement: {diagnosis.agreement_in_words}.")
    if diagnosis.proof_in_words:
        sentences.append(f"Proof: {diagnosis.proof_in_words}.")
    if verdict.equivalent:
        sentences.append(f"As good: {', '.join(verdict.equivalent)}.")
    return Finding("verdict", "The argument", tuple(sentences))


def _about(images: ImageSet) -> str:
    c, h, w = images.shape
    labels = "with labels" if images.labels is not None else "without labels"
    return f"{images.name}: {len(images):,} images of {h} × {w}{f' in {c} channels' if c > 1 else ''}, {labels}"


def _maps(shown: Pictures) -> Finding | None:
    if not shown.maps:
        return None
    unknown = "Nothing in the catalogue makes this shift; below is what the nearest families leave of it."
    return Finding("where", "Where it is unexplained", (unknown,), (), (_residuals(shown.maps),))


def _turned(diagnosis: Diagnosis, before: ImageSet, after: ImageSet) -> Finding | None:
    """Which images the model answers wrong since, and which right."""
    turned = diagnosis.turned
    if turned is None or (not turned.lost and not turned.gained):
        return None
    names = after.classes or before.classes

    def rows(title: str, images: Sequence[TurnedImage], count: int) -> Figure:
        data: ImageRows = {
            "rows": {
                "before": before.images[[image.reference for image in images]],
                "after": after.images[[image.shifted for image in images]],
            },
            "signed": (),
            "range": (0.0, 1.0),
        }
        answers = (
            f"{class_name(image.before, names)}\u00a0→\u00a0{class_name(image.after, names)}" for image in images
        )
        some = "all" if count == len(images) else f"{len(images)}, drawn at random,"
        return Figure(
            "image_rows", data, f"{title}: {some} of {count:,}. The answers from the left: {', '.join(answers)}."
        )

    kinds = (("Lost", turned.lost, turned.n_lost), ("Gained", turned.gained, turned.n_gained))
    sentence = (
        f"Of {turned.images:,} images with a partner, {turned.n_lost:,} were answered right before the shift and are "
        f"wrong after it; {turned.n_gained:,} are right only since."
    )
    figures = tuple(rows(title, images, count) for title, images, count in kinds if images)
    return Finding("turned", "Images lost and gained", (sentence,), (), figures)


def _image_rows(shown: Pictures) -> Figure:
    rows = {"reference": shown.reference, "shifted": shown.shifted}
    captions = ["A column is one image" if shown.paired else "No image of one set is in the other"]
    if shown.remade is not None:
        rows["remade"] = shown.remade
        captions.append("Remade: the verdict's shift made again from the reference")
    if shown.undone is not None:
        rows["undone"] = shown.undone
        captions.append("Undone: the shifted set with that shift undone")
    low, high = 0.0, 1.0
    if max(float(np.quantile(images, 0.99)) for images in (shown.reference, shown.shifted)) > BRIGHT:
        low, high = (float(end(list(map(end, rows.values())))) for end in (np.min, np.max))
        captions.append(f"Black is {low:.3g}, white {high:.3g}")
    if shown.residual is not None and float(np.abs(shown.residual).max()) < VISIBLE:
        captions.append("Shifted and remade differ by too little to see")
    elif shown.residual is not None:
        rows["residual"] = shown.residual
        captions.append("Residual: shifted − remade, blue where the shifted image is darker")
    data: ImageRows = {"rows": rows, "signed": ("residual",), "range": (low, high)}
    return Figure("image_rows", data, " ".join(f"{caption}." for caption in captions))


def _residuals(maps: Sequence[ResidualMap]) -> Figure:
    data: Residuals = {"names": [_above(m.candidate) for m in maps], "maps": [m.mean_square for m in maps]}
    return Figure(
        "residuals",
        data,
        "Where the change is, and where the nearest candidates leave it unexplained: mean squares over images. The "
        "percentage is the share of the change that is left on images to which nothing was fitted.",
    )


def _above(candidate: CandidateSummary | None) -> str:
    """The title of a map: the candidate's families, a line for each, and its residual."""
    if candidate is None:
        return "the whole change"
    return in_short(candidate).replace(", then ", ",\nthen ") + f"\nleaves {unexplained_in_words(candidate.misfit)}"


def _candidates(diagnosis: Diagnosis) -> Finding | None:
    candidates = distinct(diagnosis.candidates)
    if not candidates:
        return None
    paired = candidates[0].unexplained is not None
    values = [c.misfit for c in candidates]
    own = diagnosis.verdict.family if diagnosis.verdict.shift is not None else None
    data: Unexplained = {
        "names": [_short(c) for c in candidates],
        "values": values,
        "texts": [unexplained_in_words(v) if paired else number(v, 1) for v in values],
        "limits": [c.limit for c in candidates],
        "verdict": next((i for i, c in enumerate(candidates) if c.family == own), None),
        "shares": paired,
        "label": (
            "share of the change left unexplained" if paired else "distance of the summary statistics, sampling errors"
        ),
    }
    caption = (
        "What each candidate leaves, on images to which nothing was fitted. A candidate beyond its mark does not "
        "fit; the mark is lower for a candidate with more free numbers. Of two that leave as much, the one with "
        "fewer numbers wins."
        if paired
        else (
            "The distance between the summary statistics (grey values, pixel statistics) of the remade and the "
            "shifted set. A candidate beyond its mark does not fit: it is further away than halves of the reference "
            "are from each other."
        )
    )
    return Finding("candidates", "What else it might have been", (), (), (Figure("unexplained", data, caption),))


def _short(candidate: CandidateSummary) -> str:
    """Its families, and its numbers where there is room."""
    whole = in_words(candidate, brief=True)
    return whole if len(whole) <= LONGEST else in_short(candidate)


def _accuracy(diagnosis: Diagnosis, before: ImageSet, after: ImageSet) -> Finding | None:
    ceiling, n = diagnosis.ceiling, diagnosis.images.remade
    rows = [*_measured(diagnosis), *_remade(diagnosis), *([] if ceiling is None else _ceiling(ceiling))]
    if not rows:
        return None
    again = f" ({on_sample(n, len(after))}, where the shift is made again or undone)" if 0 < n < len(after) else ""
    data: Dots = {"rows": rows, "chance": None if before.labels is None else 1 / len(np.unique(before.labels))}
    figure = Figure(
        "dots",
        data,
        f"Accuracies on {len(after):,} images{again} with 95% intervals (oracles' are wider, for their number). "
        "Restored with partners may use each image's partner in the reference; restored without may not, and is "
        "what a repair could do.",
    )
    sentences = () if ceiling is None else (ceiling.sentence,)
    return Finding("proof", "Proof: made again, and undone", sentences, _checks(diagnosis), (figure,))


def _measured(diagnosis: Diagnosis) -> list[Dot]:
    kinds: tuple[DotKind, DotKind] = ("reference", "shifted")
    named = zip(kinds, (e.accuracy for e in diagnosis.evaluations), strict=False)
    return [_dot(name, a.estimate, a.low, a.high, name) for name, a in named]


def _remade(diagnosis: Diagnosis) -> list[Dot]:
    accuracy, n = diagnosis.accuracy, diagnosis.images.remade
    if accuracy is None or n == 0:
        return []
    named = {
        "remade": accuracy.reproduced,
        "restored with partners": accuracy.restored_with_partner,
        "restored without": accuracy.restored_blind,
    }
    intervals = {name: wilson(round(share * n), n) for name, share in named.items() if share is not None}
    return [
        _dot(name, named[name] or 0.0, i.low, i.high, "shifted" if name == "remade" else "undone")
        for name, i in intervals.items()
    ]


def _ceiling(ceiling: Ceiling) -> list[Dot]:
    dots = [_dot(f"oracle: {o.name}", o.accuracy.estimate, o.accuracy.low, o.accuracy.high) for o in ceiling.oracles]
    if ceiling.above is not None:
        dots.append(
            _dot(
                "bound" if ceiling.proved else "estimate of the ceiling",
                ceiling.above.estimate,
                ceiling.above.low,
                ceiling.above.high,
            )
        )
    return dots


def _dot(name: str, estimate: float, low: float, high: float, kind: DotKind = "ceiling") -> Dot:
    return {"name": name, "estimate": estimate, "low": low, "high": high, "kind": kind}


def _checks(diagnosis: Diagnosis) -> tuple[Table, ...]:
    if not diagnosis.proof:
        return ()
    rows = ((c.check, number(c.value, 3), number(c.null, 3), "yes" if c.passed else "no") for c in diagnosis.proof)
    caption = (
        "The share of images that the model gets right or wrong alike on the shifted set and on a remake, beside "
        "that of two remakes drawn apart."
    )
    return (Table(("check", "value", "two remakes", "passed"), tuple(rows), caption),)


def _why(diagnosis: Diagnosis) -> Finding | None:
    sentences = list(diagnosis.reasons)
    if diagnosis.ceiling is not None:
        sentences = sentences[:-1]  # it stands with the proof
    tables = tuple(_numbers(mechanism) for mechanism in diagnosis.mechanisms if mechanism.present)
    absent = tuple((m.brief, _numbers_in_words(m.numbers)) for m in diagnosis.mechanisms if not m.present)
    if absent:
        folded = "measured, and not the reason"
        tables += (Table(("not shown", "numbers"), absent, words=("not shown", "numbers"), folded=folded),)
    if not sentences and not tables:
        return None
    if sentences and diagnosis.sample_in_words:
        sentences.insert(0, f"Measured {diagnosis.sample_in_words}.")
    return Finding("why", "Why", tuple(sentences) or ("No mechanism that was measured passed its test.",), tables)


def _numbers(mechanism: Mechanism) -> Table:
    rows = tuple((_spaced(name), _numbers_in_words(value)) for name, value in mechanism.numbers.items())
    folded = f"the numbers: {_spaced(mechanism.name)}"
    return Table(("number", "value"), rows, mechanism.sentence, ("value",), folded)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _numbers_in_words(value: Any) -> str:
    """What a mechanism measured, however it is nested."""
    if isinstance(value, Mapping):
        nested = any(isinstance(v, Mapping | list | tuple) for v in value.values())
        separator = "; " if nested else ", "
        return separator.join(f"{_spaced(name)} {_numbers_in_words(v)}" for name, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_numbers_in_words, value[:ENTRIES])) + (", …" if len(value) > ENTRIES else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)
