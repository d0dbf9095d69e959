"""One model for all variants in a folder, trained without looking at their images."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts.family import Shift
from shiftassay.shifts.identity import Identity
from shiftassay.studies.shifted.variants import Variants, read_variants
from shiftassay.training.one_for_all import BEST_DESIGN, TrainedForAll, train_one_for_all
from shiftassay.training.progress import progress
from shiftassay.training.tracking import both
from shiftassay.training.train import Watch, resolve_recipe


def train_for_folder(
    folder: Path,
    data: Dataset | str = "mnist",
    *,
    shift_of: Callable[[str], Shift | None] | None = None,
    design: str = BEST_DESIGN,
    recipe: Recipe | str = "mlp",
    epochs: int | None = None,
    seeds: Sequence[int] = (0,),
    store: Path | None = None,
    device: str = "auto",
    console: Console | None = None,
    watch: Watch | None = None,
) -> list[TrainedForAll]:
    """Train one model for `clean` and every variant in a folder, once for each seed.

    The shift of a variant is read from the folder, where `shiftassay variants` wrote it, or else from `shift_of`, given
    the name (None: unknown, and the variant is served as clean is). Epochs are shown on the console, and given to
    `watch`. Raises `BadInput`.
    """
    shifts = shifts_to_serve(read_variants(folder), shift_of, str(folder))
    dataset = named_dataset(data) if isinstance(data, str) else data
    with progress(len(seeds), resolve_recipe("mlp", recipe, epochs).epochs, console or Console(quiet=True)) as show:
        return [
            train_one_for_all(
                shifts,
                dataset,
                design=design,
                recipe=recipe,
                epochs=epochs,
                seed=seed,
                store=store,
                device=device,
                watch=both(show, watch) if watch else show,
            )
            for seed in seeds
        ]


def shifts_to_serve(
    variants: Variants, shift_of: Callable[[str], Shift | None] | None = None, where: str = "variants"
) -> dict[str, Shift]:
    """The shift of clean, which is none, and of every variant.

    It is as it was written down, else as `shift_of` says.
    """
    shifts: dict[str, Shift] = {variants.clean.name: Identity()}
    for name in (images.name for images in variants.shifted):
        if name not in variants.shifts and shift_of is None:
            raise BadInput(
                f"{where}: nothing says how {name} came to be. Write variants with 'shiftassay variants DIR', which "
                "also writes that, or pass shift_of to train_for_folder."
            )
        shifts[name] = variants.shifts.get(name) or (shift_of and shift_of(name)) or Identity()
    return shifts
