"""The verbs: one thin command for each. What a verb does is a library call, imported when it runs."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from shiftassay.cli.places import JSON_ROOM, MB, PAGE_ROOM, kept, release, room, saved
from shiftassay.cli.terminal import console, say
from shiftassay.errors import BadInput

app = typer.Typer(
    help="Shiftassay: name the shift, prove it, repair it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", callback=kept(JSON_ROOM), help="Also write the result as JSON."),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where results are kept.")]
Labels = Annotated[Optional[Path], typer.Option(metavar="FILE", help="Labels: .npy, .npz, .csv or IDX.")]  # noqa: UP045
Weights = Annotated[Optional[Path], typer.Option(metavar="FILE", help="Weights for package.module:factory.")]  # noqa: UP045
Unpickle = Annotated[
    bool,
    typer.Option(
        "--unpickle",
        help="Read pickled .npy files. This runs whatever code is in them: only for files you trust.",
    ),
]


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A built-in study (shiftassay list studies) or a TOML file.")],
    quick: Annotated[bool, typer.Option("--quick", help="The same code path with fewer epochs.")] = False,
    full: Annotated[bool, typer.Option("--full", help="All seeds.")] = False,
    seeds: Annotated[Optional[int], typer.Option(min=1, help="How many seeds.")] = None,  # noqa: UP045
    out: Out = Path("out"),
    variants: Annotated[
        Optional[Path], typer.Option(metavar="DIR", help="Your own clean.npy and variants.")  # noqa: UP045
    ] = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Run a study and write its report; the path of the report is printed last.

    Example: `shiftassay run shifted-test-sets --quick`
    """
    from shiftassay.studies.run import run_study

    if quick and full:
        raise BadInput("--quick and --full: choose one.")
    size: Literal["quick", "full", "default"] = "quick" if quick else "full" if full else "default"
    done = run_study(
        study,
        size=size,
        seeds=seeds,
        out=out,
        variants=variants,
        unpickle=unpickle,
        device=device,
        console=console(),
    )
    with _written(json_file, "shiftassay.study/1", done.results):
        say(done.report)


@app.command()
def train(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK[:k=v,…]",
            help="A network (shiftassay list networks) and its parameters, or one-for-all: one model for several variants.",
        ),
    ],
    variants: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="For one-for-all: the folder of the variants (clean.npy, t1.npy, …)."),
    ] = None,
    data: Annotated[
        str, typer.Option(help="A data set (shiftassay list datasets) or a folder of IDX files.")
    ] = "mnist",
    recipe: Annotated[Optional[str], typer.Option(help="A recipe; by default the network's own.")] = None,  # noqa: UP045
    epochs: Annotated[Optional[int], typer.Option(min=1, help="Epochs, if not the recipe's.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(min=0, help="The seed of a single member.")] = 0,
    seeds: Annotated[Optional[int], typer.Option(min=1, help="Train members with seeds 0 … N − 1.")] = None,  # noqa: UP045
    out: Out = Path("out"),
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Train one member of a network, or one for each of several seeds; or one model for all variants in a folder.

    Example: `shiftassay train mlp --epochs 1`
    """
    from shiftassay.networks.registry import parse
    from shiftassay.training.progress import progress
    from shiftassay.training.train import TrainingFailed, resolve_recipe
    from shiftassay.training.train import train as train_members

    members = range(seeds) if seeds else [seed]
    if network == "one-for-all" or variants is not None:
        _train_one_for_all(network, variants, data, recipe, epochs, members, out, device, json_file)
        return
    network, parameters = parse(network)
    failed: TrainingFailed | None = None
    with progress(len(members), resolve_recipe(network, recipe, epochs).epochs, console()) as watch:
        try:
            trained = train_members(
                network,
                data,
                recipe=recipe,
                seeds=members,
                epochs=epochs,
                parameters=parameters,
                store=out,
                device=device,
                watch=watch,
            )
        except TrainingFailed as error:
            trained, failed = error.trained, error
    members_json = [
        {"folder": str(m.folder), "trial": m.trial.to_json(), "epochs": [e.to_json() for e in m.metrics]}
        for m in trained
    ]
    with _written(json_file, "shiftassay.training/1", {"members": members_json}):
        for member in trained:
            last = member.metrics[-1]
            known = last.validation_accuracy
            say(
                f"{member.folder}  loss {last.loss:.4f}"
                + (f"  validation {100 * known:.2f}%" if known is not None else "")
                + ("  (was there already)" if member.reused else "")
            )
    if failed:
        raise failed


def _train_one_for_all(
    network: str,
    variants: Path | None,
    data: str,
    recipe: str | None,
    epochs: int | None,
    seeds: Sequence[int],
    out: Path,
    device: str,
    json_file: Path | None,
) -> None:
    from shiftassay.studies.shifted.folder_model import train_for_folder

    if network != "one-for-all" or variants is None:
        raise BadInput(
            f"{network}{' --variants' * (variants is not None)}: one-for-all and --variants DIR go together, for example "
            "shiftassay train one-for-all --variants out/studies/shifted-test-sets/variants."
        )
    trained = train_for_folder(
        variants, data, recipe=recipe or "mlp", epochs=epochs, seeds=seeds, store=out, device=device, console=console()
    )
    members = [
        {
            "folder": str(m.folder),
            "trial": m.trial.to_json(),
            "epochs": [e.to_json() for e in m.metrics],
            "held_out": m.held_out,
        }
        for m in trained
    ]
    with _written(json_file, "shiftassay.training/1", {"members": members}):
        for member in trained:
            known = ", ".join(f"{name} {100 * accuracy:.2f}%" for name, accuracy in member.held_out.items())
            say(f"{member.folder}  validation {known or '–'}{'  (was there already)' * member.reused}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A run's folder, or package.module:factory.")],
    sets: Annotated[
        list[str],
        typer.Argument(metavar="SET…", help="Image files or data sets; the first is the reference."),
    ],
    labels: Labels = None,
    weights: Weights = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Accuracy with its interval, and a paired comparison of each further set with the first.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay evaluate demo/runs/* mnist:test`
    """
    from shiftassay.evaluation.evaluate import evaluate as evaluate_set
    from shiftassay.evaluation.sentence import sentence
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.training.train import resolve_device

    classifier = load_model(model, weights)
    reference = read_image_set(sets[0], labels=labels, unpickle=unpickle)
    others = [read_image_set(path, labels=labels, reference=reference, unpickle=unpickle) for path in sets[1:]]
    device = resolve_device(device)
    results = [evaluate_set(classifier, reference, device=device)]
    results += [evaluate_set(classifier, other, reference, device=device) for other in others]
    with _written(json_file, "shiftassay.evaluation/1", {"sets": [result.to_json() for result in results]}):
        _say_notes([reference, *others])
        for result in results:
            say(sentence(result))


@app.command()
def diagnose(
    reference: Annotated[str, typer.Argument(help="The images as they should be: a file or a data set.")],
    shifted: Annotated[str, typer.Argument(help="The images as they are.")],
    labels: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(metavar="FILE", help="Labels of both sets; given twice, of the reference and of the shifted set."),
    ] = None,
    model: Annotated[Optional[str], typer.Option(help="A run's folder, or package.module:factory.")] = None,  # noqa: UP045
    weights: Weights = None,
    beside: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="MODEL", help="Another model, which an attack may hurt as well; may be given again."),
    ] = None,
    train: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="SET", help="Training images: a data set's training part, or a file. By default the model's."
        ),
    ] = None,
    ceiling: Annotated[
        bool, typer.Option("--ceiling", help="Also bracket what any classifier can reach; takes minutes.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", callback=kept(PAGE_ROOM), help="Also write a page with pictures."),
    ] = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Name the shift between two sets, with its parameters, what else was tried, and, with a model, proof and reasons.

    Example: `shiftassay shift rotate:angle=15 mnist:test rotated.npy && shiftassay diagnose mnist:test rotated.npy`
    """
    from shiftassay.diagnosis.diagnose import diagnose as diagnose_sets
    from shiftassay.diagnosis.given import read_pair, training_images
    from shiftassay.models.load import load_model
    from shiftassay.report.diagnosis_page import write_page
    from shiftassay.report.diagnosis_words import plain
    from shiftassay.training.train import resolve_device

    if beside and not model:
        raise BadInput("--beside: what an attack does to other models is asked of one on --model. Give that too.")
    classifier = load_model(model, weights) if model else None
    others = {name: load_model(name) for name in beside or []}
    before, after = read_pair(reference, shifted, labels or [], unpickle)
    known = training_images(train, classifier, before, unpickle) if train or ceiling else None
    found = diagnose_sets(
        before,
        after,
        model=classifier,
        others=others,
        train=known,
        ceiling=ceiling,
        seed=seed,
        device=resolve_device(device),
    )

    def write_report() -> None:
        if report is not None:
            write_page(release(report), found, before, after, classifier, seed, {"model": model or "none"})

    with _written(json_file, "shiftassay.diagnosis/1", found.to_json()), saved(write_report):
        for note in found.notes:
            say(note, error=True)
        say(plain(found))
        if ceiling and found.ceiling is None:
            say("No ceiling: it needs labels, images with partners, and a shift that can be named.")
        if report is not None:
            say(report)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Folders of runs: two networks or more, seeds of each.")
    ],
    margin: Annotated[float, typer.Option(min=1e-6, max=1, help="Differences below this count as none.")] = 0.002,
    json_file: Json = None,
) -> None:
    """Compare networks over their seeds on the test set: pairs, corrected for their number, and equivalence.

    Example: `shiftassay train mlp --epochs 1 --seeds 2 --out pair && shiftassay train trunk --epochs 1 --seeds 2 --out pair && shiftassay compare pair/runs/*`
    """
    from shiftassay.evaluation.compare import compare as compare_groups
    from shiftassay.evaluation.groups import read_groups
    from shiftassay.evaluation.sentence import group_sentence, pair_sentence, visible_sentence

    found = compare_groups(read_groups(runs), margin)
    with _written(json_file, "shiftassay.comparison/1", found.to_json()):
        for group in found.groups:
            say(group_sentence(group))
        for pair in found.pairs:
            say(pair_sentence(pair, margin))
        say(visible_sentence(found))


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="A run's folder, or package.module:factory.")],
    images: Annotated[str, typer.Argument(metavar="SET", help="An image file or a data set.")],
    variant: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME", help="The variant that the images are, for a model that serves several."),
    ] = None,
    weights: Weights = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """The label of each image and how probable it is to the model; all probabilities with --json.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay predict demo/runs/* mnist:test --json p.json`
    """
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.models.one_for_all import told
    from shiftassay.models.predict import check_finite, probabilities
    from shiftassay.models.predict import predict as predict_set
    from shiftassay.training.train import resolve_device

    classifier = told(load_model(model, weights), variant)
    image_set = read_image_set(images, labels="none", unpickle=unpickle)
    logits = predict_set(classifier, image_set.images, resolve_device(device))
    check_finite(logits, image_set.name)
    found = probabilities(logits.astype(float))
    content = {"labels": found.argmax(1).tolist(), "probabilities": found.round(6).tolist()}
    with _written(json_file, "shiftassay.predictions/1", content):
        _say_notes([image_set])
        say("image  label  probability")
        for index, row in enumerate(found):
            say(f"{index:5}  {row.argmax():5}  {row.max():.4f}")


@app.command()
def audit(
    model: Annotated[str, typer.Argument(help="A run's folder, or package.module:factory.")],
    images: Annotated[str, typer.Argument(metavar="[SET]", help="An image file or a data set.")] = "mnist:test",
    largest_batch: Annotated[int, typer.Option(min=1, help="The largest batch to try.")] = 10_000,
    single_images: Annotated[int, typer.Option(min=1, help="How many images to show one at a time.")] = 1000,
    labels: Labels = None,
    weights: Weights = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """What a model does that it should not: dead parameters, answers that depend on the batch, chance, saturation.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay audit demo/runs/*`
    """
    from shiftassay.evaluation.audit import audit as audit_model
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.training.train import resolve_device

    classifier = load_model(model, weights)
    image_set = read_image_set(images, labels=labels, unpickle=unpickle)
    device = resolve_device(device)
    result = audit_model(classifier, image_set, largest_batch=largest_batch, single_images=single_images, device=device)
    with _written(json_file, "shiftassay.audit/1", {"model": model, **result.to_json()}):
        _say_notes([image_set])
        for check in result.checks:
            say(f"{check.name:<12}  {check.verdict:<12}  {check.sentence}")


@app.command()
def repair(
    reference: Annotated[str, typer.Argument(help="The images the model was meant for: a file or a data set.")],
    shifted: Annotated[str, typer.Argument(help="The images it met.")],
    model: Annotated[str, typer.Option(help="A run's folder, or package.module:factory.")],
    labels: Labels = None,
    train: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="SET", help="Training images with labels; by default those that the model's card names."),
    ] = None,
    epochs: Annotated[Optional[int], typer.Option(min=1, help="Epochs of whatever is trained.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer training images and weaker attacks.")] = False,
    out: Annotated[
        Optional[Path], typer.Option(metavar="DIR", help="Keep the recommended model in this folder.")  # noqa: UP045
    ] = None,
    weights: Weights = None,
    unpickle: Unpickle = False,
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Repair a model for a shifted set, from the least intrusive way to the most, and say which to take.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay shift invert mnist:test inverted.npy && shiftassay repair mnist:test inverted.npy --model demo/runs/* --quick --out repaired`
    """
    from rich.table import Table

    from shiftassay.imagesets.read import read_image_set
    from shiftassay.models.load import load_model
    from shiftassay.repairs.repair import keep, room_to_keep
    from shiftassay.repairs.repair import repair as repair_model
    from shiftassay.repairs.words import table
    from shiftassay.training.train import resolve_device
    from shiftassay.words.terminal import spoken

    classifier = load_model(model, weights)
    before = read_image_set(reference, labels=labels, unpickle=unpickle)
    after = read_image_set(shifted, labels=labels, reference=before, unpickle=unpickle)
    known = read_image_set(train, unpickle=unpickle) if train else None
    _say_notes([before, after])
    with ExitStack() as held:
        if out is not None:
            held.enter_context(room(out, 2 * room_to_keep(classifier, out) + MB, folder=True))
        found = repair_model(
            before,
            after,
            classifier,
            train=known,
            seed=seed,
            epochs=epochs,
            quick=quick,
            device=resolve_device(device),
        )

    def keep_model() -> None:
        if out is not None:
            keep(found, out)

    with _written(json_file, "shiftassay.repair/1", found.to_json()), saved(keep_model):
        heading, *rows = table(found)
        if rows:
            shown = Table(box=None, pad_edge=False)
            for name in heading:
                shown.add_column(spoken(name), no_wrap=True)
            for row in rows:
                shown.add_row(*map(spoken, row))
            console().print(shown)
        for name, why in found.skipped.items():
            if name != "none":
                say(f"Not tried: {name}, since {why}.")
        for note in found.notes:
            say(note, error=True)
        say(found.sentence)
    if out is not None:
        say(f"{out}: the repaired model. Go on with 'shiftassay evaluate {out} {shifted}'.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PyTorch state dict or .safetensors file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to keep the model in.")],
    network: Annotated[Optional[str], typer.Option(help="The network meant, where several fit.")] = None,  # noqa: UP045
    json_file: Json = None,
) -> None:
    """Weights of others into our networks, with a report of what was dropped, renamed or changed, and why.

    Example: `shiftassay train trunk --epochs 1 --out theirs && shiftassay import theirs/runs/*/model.safetensors --out imported`
    """
    from shiftassay.models.foreign import import_weights, keep
    from shiftassay.runs.store import Run

    Run(out).check_free()
    with room(out, MB, folder=True):
        imported = import_weights(file, network)
    keep(imported, out, file)
    with _written(json_file, "shiftassay.import/1", {"folder": str(out), **imported.to_json()}):
        say(
            f"{out}: {imported.network}, {imported.parameters:,} parameters kept, {imported.dropped:,} dropped. "
            f"Go on with 'shiftassay evaluate {out} mnist:test'."
        )
        for change in imported.changes:
            kept_as = "kept" if change.here == change.tensor else f"now {change.here}"
            became = "dropped" if change.here is None else kept_as
            say(f"{change.tensor} ({change.numbers:,}): {became}, {change.reason}")
        for note in imported.notes:
            say(note)


@app.command()
def shift(
    family: Annotated[
        str,
        typer.Argument(metavar="FAMILY[:k=v,…]", help="A shift (shiftassay list shifts) and its parameters."),
    ],
    source: Annotated[str, typer.Argument(metavar="IN", help="An image file or a data set.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The .npy file to write.")],
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    model: Annotated[Optional[str], typer.Option(help="For shifts that are aimed at a model.")] = None,  # noqa: UP045
    labels: Labels = None,
    weights: Weights = None,
    unpickle: Unpickle = False,
    json_file: Json = None,
) -> None:
    """Make a shifted set from the catalogue. `low..high` draws a parameter, `scope=per_image` afresh for each image.

    Example: `shiftassay shift rotate:angle=15 mnist:test rotated.npy`
    """
    from shiftassay.imagesets.read import read_image_set
    from shiftassay.imagesets.write import check_npy, write_array, write_images
    from shiftassay.models.load import load_model
    from shiftassay.models.predict import aimed_at
    from shiftassay.shifts.catalogue import parse
    from shiftassay.shifts.catalogue import shift as shift_set
    from shiftassay.shifts.family import Context

    how = parse(family)
    check_npy(target)
    image_set = read_image_set(source, labels=labels, unpickle=unpickle)
    context = None
    if model and image_set.labels is not None:
        context = Context(image_set.labels, aimed_at(load_model(model, weights).requires_grad_(False)))
    with room(target, image_set.images.nbytes + MB):
        shifted = shift_set(image_set, how, seed, context)
    written = write_images(target, shifted.images)
    beside = written.with_name(f"{written.stem}-labels.npy")
    others = None if shifted.labels is image_set.labels else shifted.labels
    if others is not None:
        write_array(beside, others)
    with _written(json_file, "shiftassay.shift/1", {"images": str(target), "seed": seed, **how.to_json()}):
        _say_notes([image_set])
        say(f"{written}: {len(shifted):,} images, {how}")
        if others is not None:
            say(f"{beside}: their labels, which are not those of {image_set.name} any more")


@app.command()
def variants(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")],
    study: Annotated[str, typer.Option(help="The study whose variants to write.")] = "shifted-test-sets",
    model: Annotated[
        str | None,
        typer.Option(help="The model that t3 and t4 are made for; by default the study's of seed 0."),
    ] = None,
    weights: Weights = None,
    out: Out = Path("out"),
    device: Device = "auto",
    json_file: Json = None,
) -> None:
    """Write clean.npy, t1.npy … t4.npy and labels.npy.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay variants mine --model demo/runs/*`
    """
    from shiftassay.studies.run import study_variants

    made = study_variants(study, folder, model, weights, out, device, console())
    with _written(json_file, "shiftassay.variants/1", {"folder": str(folder), "sets": made.to_json()}):
        for found, origin in made.sets:
            say(f"{folder / found.name}.npy: {origin}")


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a study's results.")],
    json_file: Json = None,
) -> None:
    """Build a study's report again from its stored results.

    Example: `shiftassay run shifted-test-sets --quick && shiftassay report out/studies/shifted-test-sets-quick`
    """
    from shiftassay.studies.folder import write_report_again

    path = write_report_again(folder)
    with _written(json_file, "shiftassay.report/1", {"report": str(path)}):
        say(path)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results: what --out named, or one in it.")],
    json_file: Json = None,
) -> None:
    """Is everything in a store what was written? What would be made again? Exit code 1 if something is damaged.

    Example: `shiftassay train mlp --epochs 1 --out demo && shiftassay check demo`
    """
    from shiftassay.errors import NotDone
    from shiftassay.studies.check import check_store

    found = check_store(folder)
    with _written(json_file, "shiftassay.check/1", found.to_json()):
        for part in found.parts:
            say(f"{part.state:<10}  {part.path}: {part.sentence}")
        if not found.parts:
            say(f"{folder}: no run, study or variants in it.")
    if not found.whole:
        damaged = sum(part.state == "damaged" for part in found.parts)
        raise NotDone(f"{folder}: {damaged} {'file is' if damaged == 1 else 'files are'} damaged or missing.")


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(metavar="networks|shifts|studies|datasets")],
    json_file: Json = None,
) -> None:
    """What there is.

    Example: `shiftassay list shifts`
    """
    from shiftassay.datasets.distorted import known_distortions
    from shiftassay.errors import unknown_name
    from shiftassay.networks.registry import NETWORKS
    from shiftassay.shifts.catalogue import presets
    from shiftassay.shifts.family import FAMILIES
    from shiftassay.studies.schema import built_in_studies

    listings = {
        "networks": NETWORKS.about,
        "shifts": FAMILIES.about,
        "studies": built_in_studies,
        "datasets": known_distortions,
    }
    if what not in listings:
        raise unknown_name("list", what, listings)
    found = listings[what]()
    if what == "shifts":
        found |= {name: f"{shift}." for name, shift in presets().items()}
    width = max(len(name) for name in found)
    with _written(json_file, "shiftassay.list/1", {what: found}):
        for name, about in found.items():
            say(f"{name:<{width}}  {about}")


def _say_notes(sets: Sequence[Any]) -> None:
    for image_set in sets:
        for note in image_set.notes:
            say(note, error=True)


@contextmanager
def _written(path: Path | None, schema: str, content: dict[str, Any]) -> Iterator[None]:
    """The result is in the file that was asked for before it is told, in this context."""
    if path is None:
        yield
        return
    from shiftassay.runs.store import write_json

    with saved(lambda: write_json(release(path), {"schema": schema, **content})):
        yield
