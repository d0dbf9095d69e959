"""The number of draws against the number of training images, in words, a table and a figure."""

from collections.abc import Mapping

from shiftassay.report.finding import Figure, Table
from shiftassay.studies.shifted.experiments.draws import Dose, DrawsExperiment, OneUndone
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import percent, percent_with_interval, points_with_interval


def draws_part(experiment: DrawsExperiment) -> Part:
    """What images agree on, and how learning depends on draws and on training images."""
    sizes = sorted({row.training_images for row in experiment.dose})
    by_draws: dict[int | None, list[Dose]] = {}
    for row in sorted(experiment.dose, key=lambda row: row.training_images):
        by_draws.setdefault(row.draws, []).append(row)
    sentences = (
        *_agreement(experiment.one_undone),
        _how(experiment, sizes, by_draws),
        *_more_draws(sizes, by_draws),
        *_more_images(sizes, by_draws),
        _limit(experiment.only_values),
    )
    return Part(sentences, (_table(experiment, sizes, by_draws),), (_figure(experiment, sizes, by_draws),))


def _agreement(one_undone: Mapping[str, OneUndone | None]) -> list[str]:
    """What one draw that was fitted to half of the images does for the other half."""
    undone = {name: row for name, row in one_undone.items() if row is not None}
    if not undone:
        return []
    return [
        "Do the images agree on one draw? We fitted one to half of the images and inverted it on the other half.",
        *(
            f"On {name} it puts {percent(row.put_back, 1)} of the changed pixels back (a draw at random "
            f"{percent(row.at_random, 1)}); accuracy goes from {percent(row.before, 1)} to {percent(row.accuracy, 1)} "
            f"of {row.images:,} images."
            for name, row in undone.items()
        ),
    ]


def _how(experiment: DrawsExperiment, sizes: list[int], by_draws: Mapping[int | None, list[Dose]]) -> str:
    counts = [f"{draws:,}" for draws in by_draws if draws is not None]
    return (
        f"The experiment varies two things: the number of draws that are dealt out among the images "
        f"({', '.join(counts)}, or one for each image), and the number of training images "
        f"({listed([f'{size:,}' for size in sizes])}). The same network is trained from scratch in "
        f"{experiment.updates:,} updates each time, one seed, and tested on {experiment.images:,} test images under "
        "the same draws."
    )


def _more_draws(sizes: list[int], by_draws: Mapping[int | None, list[Dose]]) -> list[str]:
    """From one draw to one for each image, with as many training images as there are."""
    first, last = next(iter(by_draws.values()))[-1], by_draws[None][-1]
    learned = (
        f"With {sizes[-1]:,} training images the trained network goes from {percent_with_interval(first.learned, 1)} "
        f"with {plural(first.draws or 0, 'draw')} to {percent_with_interval(last.learned, 1)} with one for each image."
    )
    if first.learned.low <= last.learned.high:
        return [
            learned,
            "The number of draws is not shown to matter for what can be learned, so this does not set them apart.",
        ]
    return [
        learned,
        f"The unmodified model goes from {percent_with_interval(first.unmodified, 1)} to "
        f"{percent_with_interval(last.unmodified, 1)}: "
        + (
            "the number of draws decides what can be learned, and also what the unmodified model does."
            if first.unmodified.low > last.unmodified.high
            else "the number of draws decides what can be learned, not what the unmodified model does."
        ),
    ]


def _more_images(sizes: list[int], by_draws: Mapping[int | None, list[Dose]]) -> list[str]:
    """What more training images do, with many draws and with one for each image."""
    if len(sizes) < 2:
        return []
    most = max(draws for draws in by_draws if draws is not None)
    sentences = []
    for draws, name in ((most, f"With {plural(most, 'draw')}"), (None, "With a draw for each image")):
        few, many = by_draws[draws][0].learned, by_draws[draws][-1].learned
        helps = "helps" if many.low > few.high else "is not shown to help"
        sentences.append(
            f"{name}, going from {sizes[0]:,} to {sizes[-1]:,} training images {helps}: "
            f"{percent_with_interval(few, 1)} to {percent_with_interval(many, 1)}."
        )
    return sentences


def _limit(only_values: bool) -> str:
    """What is left with any number of training images."""
    known = (
        "In the limit of many training images: a classifier that knows a finite number of draws can undo each of them "
        "and keep the result that looks like a clean image. So any finite number of draws keeps the ceiling of clean "
        "images, as far as images show their draw; more draws only take more images to learn."
    )
    if only_values:
        return (
            f"{known} With a fresh draw for each image all orders of its pixels are equally likely, so only the "
            "multiset of its values tells anything, whatever the number of training images."
        )
    return f"{known} With a fresh draw for each image there is no list of draws to learn."


def _table(experiment: DrawsExperiment, sizes: list[int], by_draws: Mapping[int | None, list[Dose]]) -> Table:
    rows = [
        (
            "one for each image" if draws is None else f"{draws:,}",
            points_with_interval(rows[0].unmodified, 1),
            *(points_with_interval(row.learned, 1) for row in rows),
        )
        for draws, rows in by_draws.items()
    ]
    return Table(
        ("draws among all images", "unmodified model", *(f"trained on {size:,} images" for size in sizes)),
        tuple(rows),
        f"Accuracy, % [95%], on {experiment.images:,} test images under the same draws as the training images; "
        f"{experiment.updates:,} updates from scratch, one seed.",
    )


def _figure(experiment: DrawsExperiment, sizes: list[int], by_draws: Mapping[int | None, list[Dose]]) -> Figure:
    series = {
        f"trained on {size:,} images": [rows[place].learned for rows in by_draws.values()]
        for place, size in enumerate(sizes)
    }
    series["unmodified model"] = [rows[0].unmodified for rows in by_draws.values()]
    data = {
        "ticks": ["each" if draws is None else f"{draws:,}" for draws in by_draws],
        "label": "draws among all images",
        "series": {name: [[row.estimate, row.low, row.high] for row in rows] for name, rows in series.items()},
    }
    caption = (
        "Accuracy by the number of draws among all images, a line for each number of training images, with 95% "
        f"intervals of {experiment.images:,} test images; one seed."
    )
    return Figure("dose", data, caption)
