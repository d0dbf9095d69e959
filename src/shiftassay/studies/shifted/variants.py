"""The variants of a study: made from the catalogue, or read from a folder."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
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
from shiftassay.records import JsonObject, JsonValue
from shiftassay.runs.store import Damaged, Mended
from shiftassay.sealed import FILES, digest_of_bytes, file_digest, files_in, read_sealed, write_sealed
from shiftassay.shifts.catalog import from_json, generator, make
from shiftassay.shifts.catalog import shift as apply_shift
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

    def named(self, name: str) -> ImageSet:
        """A shifted set by its name."""
        return next(images for images in self.shifted if images.name == name)

    def in_clean_order(self, name: str) -> bool:
        """Whether a shifted set has the same labels as clean, in the same order."""
        labels = self.named(name).labels
        return labels is not None and self.clean.labels is not None and np.array_equal(labels, self.clean.labels)

    def to_json(self) -> dict[str, dict[str, str]]:
        """Each set's origin and content hash."""
        return {images.name: {"origin": origin, "digest": images.digest} for images, origin in self.sets}


def make_variants(study: ShiftedTestSets, test: ImageSet, held_out: ImageSet | None, model: nn.Module) -> Variants:
    """Apply the study's shifts to the test set.

    Harmless strengths are searched for on held-out training images. Raises `BadInput` for an unknown family, parameter
    or variant.

    >>> import numpy as np
    >>> from shiftassay.studies.schema import load_study
    >>> test = ImageSet(np.full((4, 1, 2, 2), 0.5, np.float32), np.arange(4))
    >>> made = make_variants(load_study("shifted-test-sets-2")[1], test, None, nn.Flatten())
    >>> made.origins[0], float(made.shifted[0].images.max())
    ('gain (factor = 0.4), the same for all images', 0.20000000298023224)
    """
    clean = ImageSet(test.images, test.labels, "clean")
    parameters: dict[str, JsonObject] = {}
    shifted, origins, shifts = [], [], {}
    for spec in study.variants:
        parameters[spec.name] = {
            name: _resolve(name, value, spec, parameters, held_out, model) for name, value in spec.parameters.items()
        }
        shift = make(spec.family, parameters[spec.name], spec.scope)
        result = apply_shift(clean, shift, SEED, _context(clean, model) if shift.needs_model else None)
        shifted.append(ImageSet(result.images, clean.labels, spec.name))
        origins.append(str(shift))
        shifts[spec.name] = shift.realize(clean.shape, generator(shift, SEED, "shared"))
    return Variants(clean, tuple(shifted), tuple(origins), shifts=shifts)


def read_variants(folder: Path, unpickle: bool = False) -> Variants:
    """The variants in a user's folder.

    Each set's notes say what was assumed when it was read.
    """
    check_listed(folder)
    clean, shifted = read_folder(folder, unpickle)
    for images in (clean, *shifted):
        if why := not_a_name(_named(images).name, LONGEST_VARIANT):
            raise BadInput(f"{folder}/{images.name}: results are kept under a variant's name, and {why}. Rename it.")
        if images.labels is None:
            raise BadInput(
                f"{folder}/{images.name}: no labels found: none in the file, no labels.npy beside it, and its images "
                "are not MNIST's. Save the labels as labels.npy in the same folder."
            )
    origins = tuple(images.name for images in shifted)
    return Variants(_named(clean), tuple(map(_named, shifted)), origins, clean.name, _written_shifts(folder))


def write_variants(folder: Path, variants: Variants, *, own: bool = False) -> Path:
    """Write `clean.npy`, one `.npy` for each variant, and `labels.npy` into a folder.

    Images are float32, n × h × w, or n × c × h × w for color. A file that is there and whole stays as it is. Raises
    `BadInput` for a folder that holds other files of these names, unless the manifest beside them says that they were
    written here, or the folder is the lab's `own`.
    """
    contents = {f"{images.name}.npy": partial(images_as_npy, images.images) for images, _ in variants.sets}
    contents["labels.npy"] = partial(as_npy, variants.clean.required_labels)
    shifts = {name: shift.to_json() for name, shift in variants.shifts.items()}
    about = {"schema": SCHEMA, "sets": variants.to_json(), "shifts": shifts}
    with locked(folder):
        sweep(folder, older_than=0)
        manifest = _manifest(folder)
        ours = files_in(manifest)
        there = {name: file_digest(folder / name) for name in contents if (folder / name).is_file()}
        files: JsonObject = {name: digest_of_bytes(content()) for name, content in contents.items()}
        others = [name for name, digest in there.items() if digest != files[name] and name not in ours and not own]
        if others:
            raise BadInput(
                f"{folder / others[0]}: is there already, and is another one. Name another folder, or move that file "
                "away."
            )
        for name, content in contents.items():
            if there.get(name) == files[name]:
                continue
            if ours.get(name) == files[name]:
                what = "damaged" if name in there else "missing"
                warnings.warn(f"{folder / name}: {what}. It is made again.", Mended, stacklevel=2)
            write_whole(inside(folder, name), content())
        if manifest != {**about, FILES: files}:
            write_sealed(folder / MANIFEST, {**about, FILES: files})
    return folder


def _manifest(folder: Path) -> JsonObject:
    """The content of a folder's manifest.

    It is empty if there is none, or if it is damaged, with a warning.
    """
    try:
        return read_sealed(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    except Damaged as error:
        warnings.warn(error.and_so("It is made again"), Mended, stacklevel=3)
        return {}


def harmless_strength(spec: VariantSpec, parameter: str, margin: float, held_out: ImageSet, model: nn.Module) -> float:
    """The largest strength at which accuracy is shown to stay within `margin` of unshifted.

    It is a multiple of 0.005, up to 1. Shown by the equivalence test, at 5%, on held-out training images, never on a
    test set: a difference that merely happens to be within the margin may be beyond it on other images. Found by
    bisection, as accuracy falls with strength.
    """
    clean = predict(held_out.images, model=model)
    harmless, harmful = 0, round(1 / STEP) + 1
    while harmful - harmless > 1:
        middle = (harmless + harmful) // 2
        shifted = apply_shift(
            held_out, make(spec.family, {**spec.parameters, parameter: middle * STEP}, spec.scope), SEED
        )
        comparison = assess(shifted, predict(shifted.images, model=model), held_out, clean, margin).comparison
        if comparison and comparison.verdict == "equivalent":
            harmless = middle
        else:
            harmful = middle
    return round(harmless * STEP, 3)


def _resolve(
    name: str,
    value: JsonValue | HarmlessWithin | SameAs,
    spec: VariantSpec,
    earlier: Mapping[str, JsonObject],
    held_out: ImageSet | None,
    model: nn.Module,
) -> JsonValue:
    if isinstance(value, SameAs):
        parameters = earlier[value.same_as]
        if name not in parameters:
            raise unknown_name(f"parameter of variant {value.same_as}", name, parameters)
        return parameters[name]
    if isinstance(value, HarmlessWithin):
        if held_out is None:
            raise BadInput(
                f"variant {spec.name}: a harmless {name} is found on held-out images, but the recipe holds out none."
            )
        return harmless_strength(spec, name, value.harmless_within, held_out, model)
    return value


def _written_shifts(folder: Path) -> dict[str, Shift]:
    """The shifts of a folder's variants, as `write_variants` wrote them beside the images.

    There are none if it did not.
    """
    path = folder / MANIFEST
    shifts = read_sealed(path).get("shifts") if path.is_file() else None
    return {name: from_json(shift) for name, shift in shifts.items()} if isinstance(shifts, dict) else {}


def _context(images: ImageSet, model: nn.Module) -> Context:
    return Context(images.required_labels, aimed_at(model.requires_grad_(False)))


def _named(images: ImageSet) -> ImageSet:
    """The set under its file's name without the ending."""
    return replace(images, name=images.name.split(".")[0])
