"""Diagnosing the variants, with the controls that other explanations are held against."""

from collections.abc import Sequence

import numpy as np

from shiftassay.diagnosis.controls import shuffled_residual, transplanted_residual
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.repairs.strategy import rounded
from shiftassay.shifts.catalog import make
from shiftassay.shifts.catalog import shift as apply_shift
from shiftassay.shifts.estimation.pairs import ROUNDING
from shiftassay.statistics.intervals import wilson
from shiftassay.statistics.paired import difference_paired
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import (
    Control,
    Controls,
    DiagnosedVariant,
    ImageChange,
    OtherImages,
    Quantiles,
)
from shiftassay.studies.shifted.variant_pictures import attack_context, keep_pictures
from shiftassay.words.terminal import spoken

VERSION = 7


def diagnose_variants(context: StudyContext, names: Sequence[str]) -> dict[str, DiagnosedVariant]:
    """Each of these variants with its diagnosis, measured or read."""
    return {
        name: context.once(
            f"diagnosis-{name}", DiagnosedVariant, VERSION, name, lambda name=name: diagnose_variant(context, name)
        )
        for name in names
    }


def diagnose_variant(context: StudyContext, name: str) -> DiagnosedVariant:
    """Diagnose a variant, and measure what other explanations of its accuracy would predict."""
    clean, variant = context.argued_images(name)
    context.console.print(spoken(f"{name}: diagnosing {len(variant):,} images"))
    others = {f"seed {member.trial.seed}": member.model.to("cpu") for member in context.members[1:]}
    diagnosis = diagnose(clean, variant, model=context.model, others=others, train=context.dataset.train)
    shift, ordered = diagnosis.verdict.shift, diagnosis.pairing.kind == "same_order"
    pictures = keep_pictures(context, name, clean, variant, shift if ordered else None)
    plain = shift.to_json() if shift else None
    changed = ordered and bool(np.abs(variant.images - clean.images).max() > ROUNDING)
    return DiagnosedVariant(
        pictures=pictures,
        images=len(variant),
        set=len(context.variants.named(name)),
        diagnosis=diagnosis,
        shift=shift,
        text=str(make(plain["family"], rounded(plain["parameters"]), plain["scope"])) if plain else None,
        change=_change(clean, variant) if ordered else None,
        controls=_controls(context, clean, variant) if changed else None,
        reaches=_other_images(context, name, diagnosis),
        commonest=float(np.bincount(clean.required_labels).max() / len(clean)),
    )


def _change(clean: ImageSet, variant: ImageSet) -> ImageChange:
    change = np.abs(variant.images - clean.images).reshape(len(variant), -1).astype(np.float64)
    before, after = (np.sort(x.images.reshape(len(x), -1), axis=1) for x in (clean, variant))
    return ImageChange(
        linf=_quantiles(change.max(1)),
        l2=_quantiles(np.sqrt((change**2).sum(1))),
        touched=float((change.max(1) > ROUNDING).mean()),
        same_values=float((np.abs(after - before).max(1) <= 1e-6).mean()),
        labels_alike=float((clean.labels == variant.labels).mean()),
    )


def _quantiles(values: np.ndarray) -> Quantiles:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(median), float(high)


def _controls(context: StudyContext, clean: ImageSet, variant: ImageSet) -> Controls:
    rng = np.random.default_rng(seed_for("study", "controls"))
    right = context.right(variant.images, clean.required_labels)

    def control(images: np.ndarray) -> Control:
        control_right = context.right(images, clean.required_labels)
        gained, lost = int((right & ~control_right).sum()), int((control_right & ~right).sum())
        return Control(
            accuracy=wilson(int(control_right.sum()), len(control_right)),
            minus_control=difference_paired(gained, lost, len(control_right)),
            gained=gained,
            lost=lost,
            images=len(control_right),
        )

    return Controls(
        shuffled=control(shuffled_residual(clean.images, variant.images, rng)),
        transplanted=control(transplanted_residual(clean.images, variant.images, rng)),
    )


def _other_images(context: StudyContext, name: str, diagnosis: Diagnosis) -> OtherImages | None:
    """Whether the shift also makes the images that the diagnosis did not see.

    None where there are too few.
    """
    shift, whole, clean = diagnosis.verdict.shift, context.variants.named(name), context.variants.clean
    diagnosed = len(context.argued_images(name)[1])
    in_order = context.variants.in_clean_order(name)
    if shift is None or not in_order or diagnosed > 0.9 * len(whole) or diagnosis.verdict.share < 1:
        return None
    every = len(whole) // diagnosed
    rest = np.arange(len(whole)) % max(every, 2) == 1
    labels = clean.required_labels[rest]
    own = ImageSet(clean.images[rest], labels)
    remade = apply_shift(own, shift, 2, attack_context(context, own) if shift.needs_model else None)
    if len(remade) != len(own):
        return None
    right = context.right(whole.images[rest], labels)
    again = context.right(remade.images, remade.labels if remade.labels is not None else labels)
    return OtherImages(
        images=len(own),
        accuracy=float(right.mean()),
        remade=float(again.mean()),
        gained=int((again & ~right).sum()),
        lost=int((right & ~again).sum()),
    )
