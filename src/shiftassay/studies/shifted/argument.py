"""The argument of a study: diagnose and repair every variant, contrast the pairs, serve all variants with one model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.report.finding import Finding
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts.family import Shift
from shiftassay.shifts.identity import Identity
from shiftassay.studies.shifted import answers, contrast_page, contrasts, diagnoses, one_for_all, pages, repairs
from shiftassay.studies.shifted.findings import Evaluations
from shiftassay.studies.shifted.lab import Lab, spread_over
from shiftassay.studies.shifted.serving import Served
from shiftassay.studies.shifted.serving import measure as serve
from shiftassay.training.train import resolve_recipe

FEWEST = 100  # images, below which nothing is diagnosed or repaired
SERVING = 2
WIDTHS = "widths"


@dataclass(frozen=True)
class Argued:
    """What was measured for the argument, by part, and the findings on it; `rows` is its table."""

    measured: dict[str, Any]
    rows: list[dict[str, Any]]
    findings: list[Finding]


def argue(lab: Lab, evaluations: Evaluations) -> Argued:
    """Measure every part that is not kept already, and say what was found."""
    if lab.study.argument is None:
        return Argued({}, [], [])
    shown = [found.name for found in lab.variants.shifted if len(found) >= FEWEST]
    found = {n: lab.once(f"diagnosis-{n}", diagnoses.VERSION, n, lambda n=n: diagnoses.measure(lab, n)) for n in shown}
    repaired = {n: lab.once(f"repair-{n}", repairs.VERSION, n, lambda n=n: repairs.measure(lab, n)) for n in shown}
    pairs = [pair for pair in lab.study.contrasts if set(pair) <= set(shown)]
    told = [
        lab.once(f"contrast-{a}-{b}", contrasts.VERSION, [a, b], lambda a=a, b=b: contrasts.measure(lab, a, b, found))
        for a, b in pairs
    ]
    served = _served(lab, found) if lab.study.one_for_all and shown else None
    of = {rows[0].name: rows for rows in zip(*evaluations, strict=True)}
    clean = evaluations[0][0].accuracy.estimate
    rows = [answers.answer(of[n][0], found[n], repaired[n]) for n in shown]
    origins = {s.name: origin for s, origin in lab.variants.sets}
    said = [
        *([answers.finding(rows)] if rows else []),
        *(pages.page(n, origins[n], of[n], found[n], repaired[n]) for n in shown),
        *(_too_few(s) for s in lab.variants.shifted if s.name not in shown),
        *(contrast_page.finding(c, found, repaired, clean) for c in told),
        *([one_for_all.finding(served)] if served else []),
    ]
    measured = {"diagnoses": found, "repairs": repaired, "contrasts": told, "one_for_all": served}
    return Argued(measured, rows, said)


def _served(lab: Lab, found: dict[str, Any]) -> dict[str, Any]:
    """One model for clean and every variant, each as it was diagnosed; what is not known is served as clean is."""
    how = lab.study.one_for_all
    assert how is not None
    shifts: dict[str, Shift] = {lab.variants.clean.name: Identity()}
    shifts |= {name: diagnoses.shift_of(told) or Identity() for name, told in found.items()}
    data = lab.dataset
    dataset = Dataset(data.name, spread_over(data.train, how.images), data.test)
    recipe = _recipe(lab, len(dataset.train), how.epochs)
    sets: list[ImageSet] = [lab.variants.clean, *(lab.shifted(name) for name in found)]
    widths = lab.study.network_parameters.get(WIDTHS)
    given: dict[str, Any] = {} if widths is None else {"widths": widths}

    def measure() -> dict[str, Any]:
        return serve(
            Served(shifts, sets, lab.model, dataset),
            recipe=recipe,
            designs=how.designs,
            seeds=range(lab.study.seeds),
            asked=how.asked,
            out=lab.out,
            device=lab.device,
            console=lab.console,
            **given,
        )

    asked = {"how": how.model_dump(mode="json"), "shifts": {n: s.to_json() for n, s in shifts.items()}}
    return lab.once("one-for-all", SERVING, asked, measure)


def _recipe(lab: Lab, images: int, epochs: int | None) -> Recipe:
    recipe = resolve_recipe("mlp", lab.study.recipe, epochs)
    return replace(recipe, held_out=min(recipe.held_out, images // 10))


def _too_few(found: ImageSet) -> Finding:
    said = f"It has {len(found)} images; with fewer than {FEWEST} nothing is diagnosed or repaired."
    return Finding(f"variant-{found.name}", f"{found.name}: too few images", (said,))


def compact(measured: Any, most: int = 32) -> Any:
    """Measured numbers for a reader of the results: lists that are longer are given by their length and first numbers.

    >>> compact({"permutation": list(range(784))}, most=3)
    {'permutation': {'length': 784, 'first': [0, 1, 2]}}
    """
    if isinstance(measured, dict):
        return {name: compact(value, most) for name, value in measured.items()}
    if isinstance(measured, Sequence) and not isinstance(measured, str):
        if len(measured) > most and not isinstance(measured[0], dict):
            return {"length": len(measured), "first": compact(list(measured[:most]), most)}
        return [compact(value, most) for value in measured]
    return measured
