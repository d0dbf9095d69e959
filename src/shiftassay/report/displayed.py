"""Diagnoses that show themselves: in a notebook with pictures, and as a page."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import ParamSpec

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from shiftassay.diagnosis.diagnose import diagnose as diagnose_sets
from shiftassay.diagnosis.inputs import check_sets
from shiftassay.diagnosis.pictures import pictures
from shiftassay.diagnosis.result import Diagnosis, Display
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.imagesets.left_out import leaving_out
from shiftassay.model import Model
from shiftassay.models.prepared import module_of
from shiftassay.words.html import html_picture, paragraphs

P = ParamSpec("P")
SIDE = 64  # pixels of a picture's longer side in a notebook
SHOWN = 8  # pictures in a row
GAP = 4  # pixels between them


@dataclass(frozen=True, eq=False)
class WithSets(Display):
    """The sets that a diagnosis is of, and the model, to show some of their pictures."""

    reference: ImageSet
    shifted: ImageSet
    model: Model | None
    seed: int

    def html(self, diagnosis: Diagnosis) -> str:
        module = None if self.model is None else module_of(self.model)
        shown = pictures(self.reference, self.shifted, diagnosis, module, self.seed)
        rows = {"reference": shown.reference, "shifted": shown.shifted, "made again": shown.remade}
        rows |= {"undone": shown.undone}
        if shown.residual is not None:
            rows["residual, grey where there is none"] = 0.5 + shown.residual / 2
        there = {name: images for name, images in rows.items() if images is not None}
        caption = f"From the top: {', '.join(there)}."
        return html_picture(_png(list(there.values())), caption) + paragraphs(caption)

    def write_page(self, path: Path, diagnosis: Diagnosis) -> Path:
        from shiftassay.report.diagnosis_page import write_page  # here: a diagnosis needs no Matplotlib

        module = None if self.model is None else module_of(self.model)
        return write_page(path, diagnosis, self.reference, self.shifted, module, self.seed)


def displayed(diagnose: Callable[P, Diagnosis]) -> Callable[P, Diagnosis]:
    """The same diagnosis, which keeps the sets that it was made of to show them."""

    @wraps(diagnose)
    def with_display(*args: P.args, **kwargs: P.kwargs) -> Diagnosis:
        bound = inspect.signature(diagnose).bind(*args, **kwargs)
        given = bound.arguments
        before, after, _ = check_sets(given["reference"], given["shifted"], given.get("labels"), of_one_size=False)
        given |= {"reference": before, "shifted": after}
        shown = leaving_out(after, given.get("leave_out", ()), like=before)
        display = WithSets(before, shown, given.get("model"), given.get("seed", 0))
        return replace(diagnose(*bound.args, **bound.kwargs), display=display)

    return with_display


diagnose = displayed(diagnose_sets)


def _png(rows: list[Images]) -> bytes:
    """Rows of pictures below each other.

    0 is black and 1 white; where values lie beyond, their range is shown.
    """
    low, high = min(0.0, *(float(row.min()) for row in rows)), max(1.0, *(float(row.max()) for row in rows))
    strips = [_strip((images[:SHOWN] - low) / (high - low)) for images in rows]
    sheet = np.full((sum(len(s) + GAP for s in strips), max(s.shape[1] for s in strips), 3), 255, np.uint8)
    top = 0
    for strip in strips:
        sheet[top : top + len(strip), : strip.shape[1]] = strip
        top += len(strip) + GAP
    file = BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    return file.getvalue()


def _strip(images: Images) -> UInt8[np.ndarray, "height width 3"]:
    """Pictures beside each other, reduced to `SIDE` pixels, or enlarged by a whole factor."""
    h, w = images.shape[2:]
    factor = max(SIDE // max(h, w), 1) if max(h, w) <= SIDE else SIDE / max(h, w)
    size = max(round(w * factor), 1), max(round(h * factor), 1)
    kernel = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX
    made = []
    for image in np.clip(images, 0, 1):
        pixels = np.broadcast_to(image, (3, h, w)) if len(image) == 1 else image[:3]
        picture = Image.fromarray(np.rint(255 * pixels).astype(np.uint8).transpose(1, 2, 0))
        made.append(np.pad(np.asarray(picture.resize(size, kernel)), ((0, 0), (0, GAP), (0, 0)), constant_values=255))
    return np.concatenate(made, axis=1)
