"""The first-order argument, in words and a table."""

from shiftassay.report.finding import Table
from shiftassay.studies.shifted.experiments.first_order import FirstOrder
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.words.numbers import number, percent


def first_order_part(measured: FirstOrder) -> Part:
    """Why aim does so much more than chance, and how much of it the first order predicts."""
    weakest, full = measured.changes[1], measured.changes[3]
    ratio = measured.ratio[1]
    sentences = (
        "Why aim matters: to first order a small change δ moves the margin (the true logit minus the best other one) "
        "by g·δ, with g the margin's gradient. Signs of size ε that are aimed add up to ε‖g‖₁. Random signs cancel: "
        "their sum has mean 0 and standard deviation ε‖g‖₂.",
        f"On {measured.images:,} clean images ‖g‖₁/‖g‖₂ is {number(ratio, 1)} in the median (5% to 95% of images: "
        f"{number(measured.ratio[0], 1)} to {number(measured.ratio[2], 1)}), so aimed signs move the margin "
        f"{number(ratio, 1)} standard deviations of random ones. The standard deviation over random signs was measured "
        f"as {number(measured.spread, 2)} ε‖g‖₂ ({measured.draws} draws for each image).",
        f"A gradient of {measured.pixels:,} independent normal entries would have √(2d/π) = "
        f"{number(measured.gaussian, 1)}, and before training the network has {number(measured.untrained[1], 1)}."
        + " Training concentrates the gradient on fewer pixels."
        * (ratio < measured.untrained[0]),
        f"With ε = {weakest.epsilon:.3g} aimed signs lower the margin by {number(weakest.actual[1], 2)} in the median, "
        f"where g·δ predicts {number(weakest.predicted[1], 2)}; with ε = {full.epsilon:.3g} by "
        f"{number(full.actual[1], 2)}, where it predicts {number(full.predicted[1], 2)}. The median margin of a clean "
        f"image is {number(measured.margin, 2)}.",
    )
    rows = [
        (
            change.kind,
            f"{change.epsilon:.3g}",
            _quantiles(change.predicted),
            _quantiles(change.actual),
            percent(max(change.explained, 0.0), 1),
        )
        for change in measured.changes
    ]
    table = Table(
        ("change", "ε", "g·δ: the margin falls by", "in fact it falls by", "explained by g·δ"),
        tuple(rows),
        f"Medians over {measured.images:,} images, with the 5% and 95% quantiles; random signs with {measured.draws} "
        f"draws for each image. Signs are not clipped to black and white; {measured.unaimed} and {measured.aimed} are "
        "the variants' own changes, which are. Explained: the share of the mean square of the margin's changes, one to "
        "one. One model.",
    )
    return Part(sentences, (table,))


def _quantiles(values: tuple[float, float, float]) -> str:
    low, middle, high = (round(value, 2) + 0.0 for value in values)  # never −0.00
    return f"{number(middle, 2)} [{number(low, 2)}, {number(high, 2)}]"
