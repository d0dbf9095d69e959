"""The pictures of a variant's page: its first images, made again from clean, and undone."""

import numpy as np

from shiftassay.diagnosis.proof import undoable_blind
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import aimed_at
from shiftassay.shifts.catalog import shift as apply_shift
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Context, Shift
from shiftassay.studies.shifted.context import StudyContext

SHOWN = 10


def pictures_file(name: str) -> str:
    """Where a variant's pictures are kept, in the study's folder."""
    return f"pictures-{name}.safetensors"


def beyond_black_and_white(low: float, high: float) -> bool:
    """Whether values lie so far outside 0 to 1 that they are drawn between their own ends.

    0 is black and 1 is white.
    """
    return low < -0.5 or high > 1.5


def keep_pictures(
    context: StudyContext, name: str, clean: ImageSet, variant: ImageSet, shift: Shift | None
) -> dict[str, tuple[float, float]]:
    """Keep pictures of the first image of each class; return the range of values in each row.

    The rows are clean, shifted, made again from clean, and the shifted one undone. Without a `shift`, they are the
    first images of each class of both sets.
    """
    places = np.unique(clean.required_labels, return_index=True)[1][:SHOWN]
    own = ImageSet(clean.images[places], clean.required_labels[places])
    rows = {context.variants.clean.name: own.images}
    if shift is None or shift.group == "none":
        rows[name] = variant.images[np.unique(variant.required_labels, return_index=True)[1][:SHOWN]]
    else:
        shifted = variant.images[places]
        rows[name] = shifted
        remade = apply_shift(own, shift, 1, attack_context(context, own) if shift.needs_model else None)
        if len(remade) == len(own):
            rows["made again"] = remade.images
        blind = undoable_blind(shift)
        undoing = shift if blind else shift.infer_draws(Pairs(own.images, shifted))
        undone = undoing.undo(shifted, np.random.default_rng(0)) if undoing is not None else None
        if undone is not None:
            rows["undone" if blind else "undone, told the draws"] = undone
    fewest = min(len(images) for images in rows.values())
    rows = {row: images[:fewest] for row, images in rows.items()}
    context.measurements.keep(pictures_file(name), {row: _drawable(images) for row, images in rows.items()})
    return {row: (float(images.min()), float(images.max())) for row, images in rows.items()}


def attack_context(context: StudyContext, images: ImageSet) -> Context:
    """What an attack on the study's model needs to know of these images."""
    return Context(images.required_labels, aimed_at(context.model.requires_grad_(False)))


def _drawable(images: np.ndarray) -> np.ndarray:
    """Values that run far beyond black and white, brought between them."""
    low, high = float(images.min()), float(images.max())
    wide = beyond_black_and_white(low, high)
    return np.ascontiguousarray((images - low) / (high - low) if wide else images, np.float32)
