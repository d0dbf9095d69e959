"""The ratio of aim to chance by image size, in words, a table and a figure."""

from shiftassay.report.finding import Figure, Table
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.experiments.image_sizes import ImageSizes
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, mean_sd, number

SQUARE_ROOT = 0.5  # the exponent of √d


def image_sizes_part(measured: ImageSizes) -> Part:
    """Whether the ratio grows as the square root of the number of pixels."""
    sizes, seeds = measured.sizes, len(measured.exponents)
    trained = f"{listed([f'{size.side} × {size.side}' for size in sizes])} pixels"
    ratios = ", ".join(mean_sd(size.ratio, digits=1) for size in sizes)
    sentences = (
        f"Does aim gain on chance as images have more pixels? The same network was trained on images resized to "
        f"{trained} ({plural(seeds, 'seed')} each). ‖g‖₁/‖g‖₂ is {ratios}.",
        f"Fitted as dᵇ for d pixels, b is {_exponent(measured.exponents, measured.exponent)}; before training it is "
        f"{_exponent(measured.untrained_exponents, measured.untrained_exponent)}. {_verdict(measured.exponent)}",
    )
    rows = [
        (
            f"{size.side} × {size.side}",
            f"{size.pixels:,}",
            mean_sd(size.accuracy, 100),
            mean_sd(size.ratio, digits=1),
            mean_sd(size.untrained, digits=1),
        )
        for size in sizes
    ]
    table = Table(
        ("image", "pixels d", "accuracy, %", "‖g‖₁/‖g‖₂", "before training"),
        tuple(rows),
        f"Mean ± standard deviation over {plural(seeds, 'seed')}. Accuracy on {measured.test_images:,} test images; "
        f"ratios are medians over {measured.images:,} of them. {measured.training_images:,} training images, "
        f"{measured.updates:,} updates from scratch; resized bilinearly.",
    )
    data = {
        "pixels": [size.pixels for size in sizes],
        "series": {
            "trained": [list(size.ratio) for size in sizes],
            "before training": [list(size.untrained) for size in sizes],
        },
        "label": "‖g‖₁/‖g‖₂",
    }
    caption = (
        f"The ratio of what aimed and random signs do, by the number of pixels; a point for each of "
        f"{plural(seeds, 'seed')}. Dashed: √(2d/π), for a gradient of independent normal entries."
    )
    return Part(sentences, (table,), (Figure("scaling", data, caption),))


def _exponent(values: tuple[float, ...], interval: Interval | None) -> str:
    mean = number(sum(values) / len(values), 2)
    return f"{mean} {brackets(interval, scale=1)}" if interval else f"{mean} (one seed)"


def _verdict(exponent: Interval | None) -> str:
    if exponent is None:
        return "One seed gives no interval."
    if exponent.low <= SQUARE_ROOT <= exponent.high:
        return "The square root, b = 0.5, lies in the interval."
    if exponent.low > 0:
        slower = "slower" if exponent.high < SQUARE_ROOT else "faster"
        return f"The ratio grows with the number of pixels, {slower} than the square root."
    return "The ratio is not shown to grow with the number of pixels."
