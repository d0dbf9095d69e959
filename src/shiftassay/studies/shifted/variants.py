"""The variants of a study: made from the catalogue, or read from a folder."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from shiftassay.errors import BadInput, unknown_name
from shiftassay.evaluation.evaluate import assess
from shiftassay.files import sweep, write_whole
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.manifest import MANIFEST, check_listed
from shiftassay.imagesets.read import read_folder
from shiftassay.imagesets.write import as_npy, images_as_npy
from shiftassay.locks import locked
from shiftassay.models.predict import aimed_at, predict
from shiftassay.paths import LONGEST_VARIANT, inside, not_a_name
from shiftassay.runs.store import Damaged, Mended
from shiftassay.sealed import FILES, digest_of_bytes, file_digest, read_sealed, write_sealed
from shiftassay.shifts.catalogue import generator, make, shift
from shiftassay.shifts.family import Context, Shift
from shiftassay.studies.shifted.study import HarmlessWithin, SameAs, ShiftedTestSets, VariantSpec

SEED = 0
STEP = 0.005  # the resolution to which a harmless strength is found
SCHEMA = "shiftassay.variants/1"


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
        shifts[spec.name] = how.realize(clean.shape, generator(how, SEED, "shared"))
    return Variants(clean, tuple(shifted), tuple(origins), shifts=shifts)


def read_variants(folder: Path, unpickle: bool = False) -> Variants:
    """The variants in a user's folder; each set's notes say what was found and assumed when it was read."""
    check_listed(folder)
    clean, shifted = read_folder(folder, unpickle)
    for found in (clean, *shifted):
        if why := not_a_name(_named(found).name, LONGEST_VARIANT):
            raise BadInput(f"{folder}/{found.name}: results are kept under a variant's name, and {why}. Rename it.")
        if found.labels is None:
            raise BadInput(
                f"{folder}/{found.name}: no labels found: none in the file, no labels.npy beside it, and its images are not "
                "MNIST's. Save the labels as labels.npy in the same folder."
            )
    origins = tuple(found.name for found in shifted)
    return Variants(_named(clean), tuple(map(_named, shifted)), origins, clean.name, _written_shifts(folder))


def write_variants(folder: Path, variants: Variants, *, own: bool = False) -> Path:
    """Write `clean.npy`, one `.npy` for each variant (float32, n × h × w, or n × c × h × w for colour) and `labels.npy`.

    What is there already is left as it is; what is missing, or damaged, is made again. Raises `BadInput` for a folder that holds other
    files of these names, unless the manifest beside them says that they were written here, or the folder is the lab's `own`.
    """
    assert variants.clean.labels is not None
    contents = {f"{found.name}.npy": partial(images_as_npy, found.images) for found, _ in variants.sets}
    contents["labels.npy"] = partial(as_npy, variants.clean.labels)
    shifts = {name: how.to_json() for name, how in variants.shifts.items()}
    about = {"schema": SCHEMA, "sets": variants.to_json(), "shifts": shifts}
    with locked(folder):
        sweep(folder, older_than=0)
        known = _manifest(folder)
        ours = known.get(FILES, {})
        there = {name: file_digest(folder / name) for name in contents if (folder / name).is_file()}
        files = {name: digest_of_bytes(content()) for name, content in contents.items()}
        others = [name for name, digest in there.items() if digest != files[name] and name not in ours and not own]
        if others:
            raise BadInput(
                f"{folder / others[0]}: is there already, and is another one. Name another folder, or move that file away."
            )
        for name, content in contents.items():
            if there.get(name) == files[name]:
                continue
            if ours.get(name) == files[name]:
                what = "damaged" if name in there else "missing"
                warnings.warn(f"{folder / name}: {what}. It is made again.", Mended, stacklevel=2)
            write_whole(inside(folder, name), content())
        if known != {**about, FILES: files}:
            write_sealed(folder / MANIFEST, {**about, FILES: files})
    return folder


def _manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of a folder says; nothing if there is none, or it is damaged, and then that is said."""
    try:
        return read_sealed(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    except Damaged as error:
        warnings.warn(error.and_so("It is made again"), Mended, stacklevel=3)
        return {}


def harmless_strength(how: VariantSpec, parameter: str, margin: float, held_out: ImageSet, model: nn.Module) -> float:
    """The largest multiple of 0.005, up to 1, at which accuracy is shown to stay within `margin` of what it is unshifted.

    Shown by the equivalence test, at 5%, on held-out training images, never on a test set: a difference that merely
    happens to be within the margin may be beyond it on other images. Found by bisection, as accuracy falls with strength.
    """
    clean = predict(held_out.images, model=model)
    harmless, harmful = 0, round(1 / STEP) + 1
    while harmful - harmless > 1:
        middle = (harmless + harmful) // 2
        shifted = shift(held_out, make(how.family, {**how.parameters, parameter: middle * STEP}, how.scope), SEED)
        comparison = assess(shifted, predict(shifted.images, model=model), held_out, clean, margin).comparison
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
    said = read_sealed(path).get("shifts", {}) if path.is_file() else {}
    return {name: make(how["family"], how["parameters"], how["scope"]) for name, how in said.items()}


def _context(images: ImageSet, model: nn.Module) -> Context:
    assert images.labels is not None
    return Context(images.labels, aimed_at(model.requires_grad_(False)))


def _named(found: ImageSet) -> ImageSet:
    return ImageSet(found.images, found.labels, found.name.split(".")[0], found.unit, found.integer, found.notes)
