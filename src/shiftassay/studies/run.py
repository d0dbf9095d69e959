"""Running a study of any kind. What is done is not done again."""

from pathlib import Path
from typing import Literal

from rich.console import Console

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.files import reserve
from shiftassay.imagesets.dataset import Dataset, load_dataset
from shiftassay.models.load import load_model
from shiftassay.paths import inside
from shiftassay.studies.architectures.run import run_architectures
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.outcome import StudyRun
from shiftassay.studies.schema import load_study
from shiftassay.studies.shifted.members import held_out, train_members
from shiftassay.studies.shifted.run import check_study, run_shifted
from shiftassay.studies.shifted.study import ShiftedTestSets
from shiftassay.studies.shifted.variants import Variants, make_variants, write_variants
from shiftassay.words.terminal import spoken

BESIDES = 1_000_000  # bytes of labels and manifest beside the images of variants


def run_study(
    name: str | Path,
    data: Dataset | None = None,
    *,
    size: Literal["default", "quick", "full"] = "default",
    seeds: int | None = None,
    out: str | Path = "out",
    variants: str | Path | None = None,
    unpickle: bool = False,
    device: str = "auto",
    show_images: bool = True,
    console: Console | None = None,
) -> StudyRun:
    """Run a study, built in or from a TOML file, to its report.

    It runs on `data` if given, else on the data set that it names. Models are kept in `out/runs`, everything else in
    `out/studies/<name>`; a run that was broken off goes on where it was. `variants` is a folder of the user's own to
    use in place of the study's. Without `show_images`, the report shows no image of its sets. Raises `BadInput`, before
    anything is trained where that can be known.

    >>> import tempfile
    >>> from shiftassay.imagesets.image_set import ImageSet
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 600)
    >>> images = (labels[:, None, None, None] * rng.random((600, 1, 6, 6))).astype(np.float32)
    >>> data = Dataset("lamps", ImageSet(images[:500], labels[:500]), ImageSet(images[500:], labels[500:]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = Path(folder, "lamps.toml")
    ...     _ = study.write_text('''
    ...         kind = "shifted-test-sets"
    ...         title = "Lamps"
    ...         question = "On or off?"
    ...         network = "mlp"
    ...         recipe = "seed-003"
    ...         epochs = 30
    ...         variants = [{name = "dim", family = "gain", parameters = {factor = 0.9}}]
    ...     ''')
    ...     done = run_study(study, data, out=folder)
    ...     done.report.name, [entry["name"] for entry in done.results["sets"]]
    ('report.html', ['clean', 'dim'])
    """
    console = console or Console(quiet=True)
    title, study = load_study(name)
    study = study.sized(size, seeds)
    if isinstance(study, Architectures) and variants is not None:
        raise BadInput(f"{title}: a study of architectures has no variants. Leave --variants out.")
    if isinstance(study, ShiftedTestSets) and variants is not None:
        study = study.model_copy(update={"title": f"{study.network} meets the shifted test sets in {variants}"})
    dataset = data if data is not None else named_dataset(study.data)
    own = f"-{Path(variants).resolve().name}" if variants else ""
    folder = inside(Path(out) / "studies", title + ("" if size == "default" else f"-{size}") + own)
    console.print(spoken(f"{study.title}: {study.seeds} seed{'s' * (study.seeds > 1)}", "bold"))
    if isinstance(study, Architectures):
        return run_architectures(
            title, study, dataset, folder, out=Path(out), device=device, show_images=show_images, console=console
        )
    return run_shifted(
        title,
        study,
        dataset,
        folder,
        out=Path(out),
        variants=variants,
        unpickle=unpickle,
        device=device,
        show_images=show_images,
        console=console,
    )


def study_variants(
    name: str | Path,
    folder: Path,
    model: str | None = None,
    weights: Path | None = None,
    out: str | Path = "out",
    device: str = "auto",
    console: Console | None = None,
) -> Variants:
    """Write a study's variants into a folder.

    They are made for the given model, or for the study's own of seed 0.
    """
    title, study = load_study(name)
    if isinstance(study, Architectures):
        raise BadInput(f"{title}: a study of architectures has no variants. Name another with --study.")
    check_study(study)
    dataset = load_dataset(study.data)
    with reserve(folder, (len(study.variants) + 1) * dataset.test.images.nbytes + BESIDES):
        if model is not None:
            target = load_model(model, weights)
        else:
            members, _ = train_members(
                study.sized("default", 1), dataset, Path(out), device, console or Console(quiet=True)
            )
            target = members[0].model
        variants = make_variants(study, dataset.test, held_out(study, dataset), target)
    write_variants(folder, variants)
    return variants
