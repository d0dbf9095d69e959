"""The shift by itself: what it makes of test charts, and of coarse and fine detail."""

from shiftassay.diagnosis.charts import shifted_charts
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.spectra import COARSE, FINE, spectra
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.report.diagnosis_figures import ImageRows, Power
from shiftassay.report.finding import Figure, Finding
from shiftassay.words.numbers import number


def shift_itself(diagnosis: Diagnosis, before: ImageSet, after: ImageSet, seed: int) -> Finding | None:
    """None where neither can be shown."""
    figures = [
        figure for figure in (_charts(diagnosis, after, seed), _spectra(diagnosis, before, after, seed)) if figure
    ]
    return Finding("charts", "The shift by itself", (), (), tuple(figures)) if figures else None


def _charts(diagnosis: Diagnosis, after: ImageSet, seed: int) -> Figure | None:
    """What the shift makes of test charts."""
    shift = diagnosis.beside_framing
    made = None if shift is None else shifted_charts(shift, after.shape, seed)
    if made is None:
        return None
    data: ImageRows = {"rows": dict(zip(("chart", "shifted"), made, strict=True)), "signed": (), "range": (0.0, 1.0)}
    drawn = "" if diagnosis.verdict.scope == "shared" else " What it draws for each image is one draw of many here."
    caption = (
        "Test charts, and the same under the verdict's shift: a dot shows how it blurs, lines how it moves, ramps to "
        f"the right and down what becomes of places and grey values.{drawn}"
    )
    return Figure("image_rows", data, caption)


def _spectra(diagnosis: Diagnosis, before: ImageSet, after: ImageSet, seed: int) -> Figure | None:
    """What the shift makes of coarse and of fine detail."""
    measured = spectra(before.images, after.images, diagnosis.beside_framing, seed)
    if measured is None:
        return None
    data: Power = {
        "frequencies": measured.frequencies.tolist(),
        "power": {name: power.tolist() for name, power in measured.power.items()},
    }
    fine, coarse = (number(measured.changed(which), 2) for which in (True, False))
    caption = (
        f"How strong detail of each size is. Of detail finer than {1 / FINE:.1f} pixels a cycle, the shifted set has "
        f"{fine} times the reference's power; of detail coarser than {1 / COARSE:.1f}, {coarse} times."
    )
    return Figure("power", data, caption)
