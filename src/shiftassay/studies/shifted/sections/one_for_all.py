"""What comes of one model for clean and all variants, each as it was diagnosed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from shiftassay.imagesets.dataset import Dataset
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.shifts.family import Shift
from shiftassay.shifts.identity import Identity
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.served_sentences import chosen_design, served_sentences
from shiftassay.studies.shifted.served_variants import AccuracyOverSeeds, MeasuredDesign, ServedVariants
from shiftassay.studies.shifted.serving import FRESH, SPECIALISTS, SetsToServe, Trainer, serve
from shiftassay.studies.shifted.subset import evenly_spaced
from shiftassay.training.one_for_all import WIDTHS
from shiftassay.training.train import resolve_recipe
from shiftassay.words.lists import plural
from shiftassay.words.numbers import points_with_interval

KEY, TITLE, VERSION, PLACE = "one-for-all", "One model for all variants", 4, 60


def measure(context: StudyContext) -> ServedVariants | None:
    """Train and judge the designs; a variant whose shift is unknown is served as clean is."""
    serving = context.study.one_for_all
    if serving is None or not context.diagnoses:
        return None
    clean, data, attacks = context.variants.clean, context.dataset, context.argument.attacks.budget
    shifts: dict[str, Shift] = {clean.name: Identity()}
    shifts |= {name: diagnosed.shift or Identity() for name, diagnosed in context.diagnoses.items()}
    dataset = Dataset(data.name, evenly_spaced(data.train, serving.images), data.test)
    recipe = resolve_recipe("mlp", context.study.recipe, serving.epochs)
    sets = [clean, *(context.variants.named(name) for name in context.diagnoses)]

    def measured() -> ServedVariants:
        trainer = Trainer(
            recipe=replace(recipe, held_out=min(recipe.held_out, len(dataset.train) // 10)),
            seeds=range(context.study.seeds),
            widths=cast(Sequence[int], context.study.network_parameters.get("widths", WIDTHS)),
            out=context.out,
            device=context.device,
            console=context.console,
        )
        to_serve = SetsToServe(shifts, sets, context.model, dataset)
        return serve(to_serve, trainer, designs=serving.designs, asked=serving.asked, attacks=attacks)

    asked = {
        "how": serving.model_dump(mode="json"),
        "shifts": {name: dict(shift.to_json()) for name, shift in shifts.items()},
    }
    return context.once(KEY, ServedVariants, VERSION, asked, measured)


def findings(measured: ServedVariants) -> list[Finding]:
    designs = measured.designs
    chosen = chosen_design(measured)
    columns = list(designs[chosen].accuracy)
    tables = [
        _accuracies(measured, columns),
        *([_differences(designs, columns)] if SPECIALISTS in designs else []),
        *_ids(measured, chosen),
        *_under_attack(designs, measured.seeds),
    ]
    intervals = {
        name: [[design.accuracy[c].estimate, design.accuracy[c].low, design.accuracy[c].high] for c in columns]
        for name, design in designs.items()
    }
    new = "new seeds and new images" if measured.seeds > 1 else "new images"
    figure = Figure(
        "designs",
        {"columns": columns, "designs": intervals},
        f"Accuracy of every design on every variant, told which it is, with 95% intervals for {new}.",
    )
    sentences = tuple(served_sentences(measured, chosen))
    return [Finding(KEY, TITLE, sentences, tuple(tables), (figure,), measured.to_json())]


def _accuracies(measured: ServedVariants, columns: Sequence[str]) -> Table:
    repairable = [c for c in columns if measured.variants[c.removesuffix(FRESH)].information != "destroyed"]
    rows = [
        (
            name,
            *(points_with_interval(design.accuracy[column]) for column in columns),
            _worst(design.accuracy, columns),
            _worst(design.accuracy, repairable),
            f"{design.parameters:,}",
            f"{design.for_one_more:,}",
            f"{design.attacks / 1e6:.1f}",
        )
        for name, design in measured.designs.items()
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
        f"Accuracy, %, with 95% intervals: {measured.images:,} images of each variant, "
        f"{plural(measured.seeds, 'seed')} of each design. Every network takes the same number of steps on as many "
        f"images; specialists do so once for each variant.{_attacks(measured)}",
        words=("worst", "worst that can be repaired"),
    )


def _attacks(measured: ServedVariants) -> str:
    """What the columns under fresh attack were made with."""
    if not measured.attacked:
        return ""
    return (
        f" Fresh attacks are made on the model in question, of {measured.attacked:,} images: {measured.attacks}; an "
        "image counts as right only if it survives all of them."
    )


def _under_attack(designs: Mapping[str, MeasuredDesign], seeds: int) -> list[Table]:
    """How many images each attack takes that the attacks before it left."""
    rows = [
        (name, attacked, *(f"{n:,}" for n in (result.images, result.right, *result.fell.values(), result.survived)))
        for name, design in designs.items()
        for attacked, result in design.under_attack.items()
    ]
    if not rows:
        return []
    [first, *_] = (result for design in designs.values() for result in design.under_attack.values())
    return [
        Table(
            ("design", "attack", "images", "right before", *(f"lost to: {name}" for name in first.fell), "right after"),
            tuple(rows),
            "How much each fresh attack adds: images that fall to it and to none before it, "
            f"{plural(seeds, 'seed')}{' in all' * (seeds > 1)}.",
            words=("attack",),
            folded="What each fresh attack adds",
        )
    ]


def _worst(accuracy: Mapping[str, AccuracyOverSeeds], among: Sequence[str]) -> str:
    column = min(among, key=lambda name: accuracy[name].estimate)
    return f"{column}: {points_with_interval(accuracy[column])}"


def _differences(designs: Mapping[str, MeasuredDesign], columns: Sequence[str]) -> Table:
    rows = [
        (name, *(points_with_interval(design.minus_specialists[column], sign=True) for column in columns))
        for name, design in designs.items()
        if design.minus_specialists is not None
    ]
    return Table(
        ("design", *columns),
        tuple(rows),
        "Accuracy minus that of the variant's specialist on the same images, points, with 95% intervals; seed by seed.",
    )


def _ids(measured: ServedVariants, chosen: str) -> list[Table]:
    design, names = measured.designs[chosen], list(measured.variants)
    if design.wrong_id is None or design.inferred is None:
        return []
    rows = [
        (
            name,
            *(points_with_interval(design.wrong_id[name][variant], 1) for variant in names),
            points_with_interval(design.inferred[name], 1),
            points_with_interval(measured.router.accuracy[name], 1),
        )
        for name in names
    ]
    return [
        Table(
            ("images of", *(f"told {name}" for name in names), "told by the router", "router right"),
            tuple(rows),
            f"Accuracy, %, with 95% intervals, of {chosen} ({plural(measured.seeds, 'seed')}) on {measured.asked:,} "
            "images of each variant under every id; one router.",
        )
    ]
