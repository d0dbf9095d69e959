"""The variants of a study: made from the catalogue, or read from a folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from shiftassay.arrays.image_set import ImageSet
from shiftassay.arrays.read import read_folder
from shiftassay.arrays.write import write_array, write_images
from shiftassay.errors import BadInput, unknown_name
from shiftassay.evaluation.evaluate import assess
from shiftassay.networks.predict import predict
from shiftassay.runs.store import read_json, write_json
from shiftassay.shifts.catalogue import generator, make, shift
from shiftassay.shifts.family import Context, Shift
from shiftassay.studies.shifted.study import HarmlessWithin, SameAs, ShiftedTestSets, VariantSpec

SEED = 0
STEP = 0.005  # the resolution to which a harmless strength is found
MANIFEST = "variants.json"


@dataclass(frozen=True)
class Variants:
    """A reference and its shifted sets, and for each a sentence on how it came to be."""

    clean: ImageSet
    shifted: tuple[ImageSet, ...]
    origins: tuple[str, ...]
    clean_origin: str = "the test set"
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    """How sets were made, by name, with whatever all images share; empty where nobody said."""

    @property
    def sets(self) -> list[tuple[ImageSet, str]]:
        """The reference and every shifted set, each with its origin."""
        return [(self.clean, self.clean_origin), *zip(self.shifted, self.origins, strict=True)]

    def to_json(self) -> dict[str, dict[str, str]]:
        """Each set's origin and content hash."""
        return {found.name: {"origin": origin, "digest": found.digest} for found, origin in self.sets}


def make_variants(study: ShiftedTestSets, test: ImageSet, held_out: ImageSet | None, model: nn.Module) -> Variants:
    """Apply the study's shifts to the test set; strengths that are to be found are found on held-out training images.

    Raises `BadInput` for an unknown family, parameter or variant.

    >>> import numpy as np
    >>> from shiftassay.studies.schema import load_study
    >>> test = ImageSet(np.full((4, 1, 2, 2), 0.5, np.float32), np.arange(4))
    >>> made = make_variants(load_study("shifted-test-sets-2")[1], test, None, nn.Flatten())
    >>> made.origins[0], float(made.shifted[0].images.max())
    ('gain (factor = 0.4), the same for all images', 0.20000000298023224)
    """
    clean = ImageSet(test.images, test.labels, "clean")
    known: dict[str, dict[str, Any]] = {}
    shifted, origins, shifts = [], [], {}
    for spec in study.variants:
        known[spec.name] = {
            name: _resolve(name, value, spec, known, held_out, model) for name, value in spec.parameters.items()
        }
        how = make(spec.family, known[spec.name], spec.scope)
        result = shift(clean, how, SEED, _context(clean, model) if how.needs_model else None)
        shifted.append(ImageSet(result.images, clean.labels, spec.name))
        origins.append(str(how))
        shifts[spec.name] = how.drawn(clean.shape, generator(how, SEED, "shared"))
    return Variants(clean, tuple(shifted), tuple(origins), shifts=shifts)


def read_variants(folder: Path, unpickle: bool = False) -> Variants:
    """The variants in a user's folder; each set's notes say what was found and assumed when it was read."""
    clean, shifted = read_folder(folder, unpickle)
    for found in (clean, *shifted):
        if found.labels is None:
            raise BadInput(
                f"{folder}/{found.name}: no labels found: none in the file, no labels.npy beside it, and its images are not "
                "MNIST's. Save the labels as labels.npy in the same folder."
            )
    origins = tuple(found.name for found in shifted)
    return Variants(_named(clean), tuple(map(_named, shifted)), origins, clean.name, _written_shifts(folder))


def write_variants(folder: Path, variants: Variants) -> Path:
    """Write `clean.npy`, one `.npy` for each variant (float32, n × h × w, or n × c × h × w for colour) and `labels.npy`.

    A folder that holds other files of these names is left as it is: raises `BadInput`.
    """
    shifts = {name: how.to_json() for name, how in variants.shifts.items()}
    manifest = {"schema": "shiftassay.variants/1", "sets": variants.to_json(), "shifts": shifts}
    there = read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
    if there == manifest:
        return folder
    taken = [path.name for path in (folder / f"{name}.npy" for name in (*manifest["sets"], "labels")) if path.exists()]
    if there is None and taken:
        raise BadInput(f"{folder}: already holds {', '.join(taken)}. Name another folder.")
    for found, _ in variants.sets:
        write_images(folder / f"{found.name}.npy", found.images)
    assert variants.clean.labels is not None
    write_array(folder / "labels.npy", variants.clean.labels)
    write_json(folder / MANIFEST, manifest)
    return folder


def harmless_strength(how: VariantSpec, parameter: str, margin: float, held_out: ImageSet, model: nn.Module) -> float:
    """The largest multiple of 0.005, up to 1, at which accuracy is shown to stay within `margin` of what it is unshifted.

    Shown by the equivalence test, at 5%, on held-out training images, never on a test set: a difference that merely
    happens to be within the margin may be beyond it on other images. Found by bisection, as accuracy falls with strength.
    """
    clean = predict(model, held_out.images)
    harmless, harmful = 0, round(1 / STEP) + 1
    while harmful - harmless > 1:
        middle = (harmless + harmful) // 2
        shifted = shift(held_out, make(how.family, {**how.parameters, parameter: middle * STEP}, how.scope), SEED)
        comparison = assess(shifted, predict(model, shifted.images), held_out, clean, margin).comparison
        if comparison and comparison.verdict == "equivalent":
            harmless = middle
        else:
            harmful = middle
    return round(harmless * STEP, 3)


def _resolve(
    name: str,
    value: Any,
    spec: VariantSpec,
    known: dict[str, dict[str, Any]],
    held_out: ImageSet | None,
    model: nn.Module,
) -> Any:
    if isinstance(value, SameAs):
        if name not in known[value.same_as]:
            raise unknown_name(f"parameter of variant {value.same_as}", name, known[value.same_as])
        return known[value.same_as][name]
    if isinstance(value, HarmlessWithin):
        if held_out is None:
            raise BadInput(
                f"variant {spec.name}: a harmless {name} is found on held-out images, but the recipe holds out none."
            )
        return harmless_strength(spec, name, value.harmless_within, held_out, model)
    return value


def _written_shifts(folder: Path) -> dict[str, Shift]:
    """The shifts of a folder's variants, where `write_variants` wrote them beside the images; else nothing."""
    path = folder / MANIFEST
    said = read_json(path).get("shifts", {}) if path.is_file() else {}
    return {name: make(how["family"], how["parameters"], how["scope"]) for name, how in said.items()}


def _context(images: ImageSet, model: nn.Module) -> Context:
    assert images.labels is not None
    model.eval().requires_grad_(False)
    return Context(images.labels, model)


def _named(found: ImageSet) -> ImageSet:
    return ImageSet(found.images, found.labels, found.name.split(".")[0], found.unit, found.integer, found.notes)
