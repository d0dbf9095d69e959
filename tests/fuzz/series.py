"""The inputs of each reader and the calls that read them: a series in one process, the same for each seed."""

import io
import json
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from tests import mutation
from tests.fuzz import pictures
from tests.memory import peak_above_idle
from tests.mutation import Rng, damaged

from shiftassay.errors import BadInput
from shiftassay.imagesets.idx import write_idx
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import read_labels
from shiftassay.imagesets.read import read_image_set
from shiftassay.words.text import is_printable

LONGEST_MESSAGE = 2048
TOLD = 20  # faults
SHAPE = (1, 28, 28)


@dataclass(frozen=True)
class Reader:
    """A file that is whole, a way of making one that lies, and how such a file is read: to how many bytes."""

    name: str
    whole: bytes
    lie: Callable[[Rng], bytes]
    read: Callable[[Path], int]


def run(name: str, folder: str, first: int, count: int) -> dict[str, Any]:
    """How a reader dealt with `count` inputs: how many it read and refused, what else happened, and at what cost."""
    reader = READERS[name](Path(folder))
    path = Path(folder) / reader.name
    faults: list[str] = []
    numbers = {"read": 0, "refused": 0, "decoded": 0}
    slowest = 0.0

    def one(seed: int) -> None:
        nonlocal slowest
        path.write_bytes(input_of(reader, name, seed))
        begun = time.process_time()
        try:
            numbers["decoded"] = max(numbers["decoded"], reader.read(path))
            numbers["read"] += 1
        except BadInput as error:
            numbers["refused"] += 1
            if len(str(error).encode(errors="replace")) > LONGEST_MESSAGE:
                faults.append(f"seed {seed}: a message of {len(str(error)):,} characters")
            if not is_printable(str(error)):
                faults.append(f"seed {seed}: a message that is not printable: {str(error)[:200]!r}")
        except Exception as error:  # which is what is looked for
            faults.append(f"seed {seed}: {type(error).__name__}: {str(error)[:300]}")
        slowest = max(slowest, time.process_time() - begun)

    def all_of_them() -> None:
        for seed in range(first, first + count):
            one(seed)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path.write_bytes(reader.whole)
        reader.read(path)  # what is made once in a process is made
        warnings.simplefilter("error")
        _, peak = peak_above_idle(all_of_them)
    return {**numbers, "faults": faults[:TOLD], "all_faults": len(faults), "slowest": slowest, "peak": peak}


def input_of(reader: Reader, name: str, seed: int) -> bytes:
    """Half of the inputs are the whole file damaged, half say what is not so."""
    rng = np.random.default_rng([seed, *name.encode()])
    return damaged(reader.whole, rng) if rng.random() < 0.5 else reader.lie(rng)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (6, 7, 7), dtype=np.uint8), generator.integers(0, 4, 6)


def _saved(save: Callable[..., None], *arrays: Any, **named: Any) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def _images(path: Path) -> int:
    """Reads a set beside a reference and alone, as commands do."""
    reference = ImageSet(np.zeros((1, 1, 7, 7), np.float32), np.zeros(1, np.int64), "clean", 255.0, True)
    with suppress(BadInput):
        read_image_set(path, reference=reference)
    return read_image_set(path).images.nbytes


def _labels(path: Path) -> int:
    return read_labels(path).nbytes


def _npy(_: Path) -> Reader:
    return Reader("a.npy", _saved(np.save, _digits()[0].astype("<f4") / 255), mutation.npy, _images)


def _npz(_: Path) -> Reader:
    images, labels = _digits()
    return Reader("a.npz", _saved(np.savez_compressed, images=images, labels=labels), mutation.npz, _images)


def _csv(_: Path) -> Reader:
    rows = [[label, *image.ravel()] for image, label in zip(*_digits(), strict=True)]
    lines = ["label," + ",".join(f"p{k}" for k in range(49)), *(",".join(map(str, row)) for row in rows)]
    return Reader("a.csv", "\n".join(lines).encode(), mutation.csv, _images)


def _idx(folder: Path) -> Reader:
    whole = write_idx(folder / "whole.idx", _digits()[0]).read_bytes()
    return Reader("a-idx3-ubyte", whole, mutation.idx, _images)


def _idx_gz(folder: Path) -> Reader:
    whole = write_idx(folder / "whole.idx.gz", _digits()[0]).read_bytes()
    return Reader("a-idx3-ubyte.gz", whole, mutation.idx_gz, _images)


def _labels_npy(_: Path) -> Reader:
    return Reader("labels.npy", _saved(np.save, _digits()[1]), mutation.npy, _labels)


def _labels_npz(_: Path) -> Reader:
    return Reader("labels.npz", _saved(np.savez, labels=_digits()[1]), mutation.npz, _labels)


def _labels_csv(_: Path) -> Reader:
    return Reader("labels.csv", "\n".join(["label", *map(str, _digits()[1])]).encode(), mutation.csv, _labels)


def _labels_idx(folder: Path) -> Reader:
    def lie(rng: Rng) -> bytes:
        return mutation.idx(rng) if rng.random() < 0.5 else mutation.idx_gz(rng)

    whole = write_idx(folder / "whole.idx.gz", _digits()[1].astype(np.uint8)).read_bytes()
    return Reader("labels-idx1-ubyte.gz", whole, lie, _labels)


def _toml(_: Path) -> Reader:
    from shiftassay.studies.schema import load_study

    studies = sorted((files("shiftassay") / "studies" / "files").iterdir(), key=str)
    texts = [path.read_text(encoding="utf-8") for path in studies]

    def lie(rng: Rng) -> bytes:
        return mutation.toml(texts[rng.integers(len(texts))], rng)

    def read(path: Path) -> int:
        load_study(path)
        return 0

    return Reader("a.toml", texts[0].encode(), lie, read)


def _card(folder: Path) -> Reader:
    from shiftassay.models.classifier import Classifier, ModelCard

    card = ModelCard("mlp", {"widths": [4]}, SHAPE, 10, 0.13, 0.31, None, "mnist", "imported")
    return _model(folder, Classifier.from_card(card))


def _fronted_card(folder: Path) -> Reader:
    from shiftassay.models.classifier import Classifier, ModelCard
    from shiftassay.models.fronted import Fronted, undoing
    from shiftassay.shifts.catalog import parse

    card = ModelCard("mlp", {"widths": [4]}, SHAPE, 10, 0.13, 0.31, None, "mnist", "imported")
    return _model(folder, Fronted(Classifier.from_card(card), undoing(parse("rotate:angle=30")), SHAPE))


def _one_for_all_card(folder: Path) -> Reader:
    from shiftassay.models.one_for_all import OneForAll, OneForAllCard
    from shiftassay.shifts.catalog import parse

    variants = {name: parse(text) for name, text in (("t1", "invert"), ("t2", "gaussian_noise:sd=0.2"))}
    return _model(
        folder, OneForAll(OneForAllCard("undo-and-id", variants, (4,), SHAPE, 10, 0.13, 0.31, 0, "mnist", "t"))
    )


def _model(folder: Path, model: Any) -> Reader:
    """A small model whose card is damaged, or changed and sealed again; what is read, answers."""
    import torch

    from shiftassay.models.load import load_model
    from shiftassay.models.one_for_all import OneForAll
    from shiftassay.models.predict import predict
    from shiftassay.runs.store import Run
    from shiftassay.sealed import read_sealed

    torch.set_num_threads(1)
    weights = {name: tensor.numpy() for name, tensor in model.network.state_dict().items()}
    Run(folder / "run").keep_imported(model.card.to_json(), weights, {"from": "a test"})
    path = folder / "run" / "model.json"
    card = read_sealed(path)

    def read(path: Path) -> int:
        loaded = load_model(path.parent)
        answering = loaded.on(next(iter(loaded.card.variants))) if isinstance(loaded, OneForAll) else loaded
        predict(np.zeros((2, *SHAPE), np.float32), model=answering)
        return 0

    return Reader("run/model.json", path.read_bytes(), lambda rng: _sealed(folder, mutation.changed(card, rng)), read)


def _sealed(folder: Path, tree: Any) -> bytes:
    """JSON with a seal that fits, as whoever changes it on purpose would write it."""
    from shiftassay.sealed import write_sealed

    with suppress(ValueError, TypeError):  # what is no table can't be sealed
        write_sealed(folder / "sealed.json", tree)
        return mutation.deepened((folder / "sealed.json").read_bytes())
    return mutation.text_of(tree)


def _safetensors(folder: Path) -> Reader:
    from safetensors.numpy import save

    from shiftassay.models.weights_file import read_file

    whole = save({"0.weight": np.arange(12.0).reshape(3, 4), "0.bias": np.zeros(3, np.float32)})
    return Reader(
        "a.safetensors", whole, lambda rng: mutation.safetensors(whole, rng), lambda path: _bytes_of(read_file(path))
    )


def _pt(_: Path) -> Reader:
    import torch

    from shiftassay.models.weights_file import read_file, tensors_of

    state = {"0.weight": torch.arange(12.0).reshape(3, 4), "0.bias": torch.zeros(3)}
    zipped, pickled = (
        _saved(lambda file, kind=kind: torch.save(state, file, _use_new_zipfile_serialization=kind))
        for kind in (True, False)
    )

    def read(path: Path) -> int:
        return _bytes_of(tensors_of(read_file(path), path))

    return Reader("a.pt", zipped, lambda rng: damaged(pickled, rng), read)


def _bytes_of(tensors: Any) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def _arrays(folder: Path) -> Reader:
    from shiftassay.runs.store import read_arrays, write_arrays

    path = folder / "whole.safetensors"
    write_arrays(path, {"a": np.arange(12.0).reshape(3, 4), "b": np.zeros(3, np.int64)}, {"epoch": 3, "path": "native"})
    whole = path.read_bytes()
    return Reader(
        "a.safetensors",
        whole,
        lambda rng: mutation.safetensors(whole, rng),
        lambda path: _bytes_of(read_arrays(path)[0]),
    )


JSON = {"accuracy": [0.9, 0.91], "names": {"a": "b", "é": None}, "epochs": [{"loss": 0.5}, {"loss": 2}], "done": True}


def _json(_: Path) -> Reader:
    from shiftassay.runs.store import read_json

    def lie(rng: Rng) -> bytes:
        return mutation.text_of(mutation.changed(JSON, rng))

    def read(path: Path) -> int:
        read_json(path)
        return 0

    return Reader("a.json", json.dumps(JSON, indent=1).encode(), lie, read)


def _findings(folder: Path) -> Reader:
    """A report's findings; one in twenty has a figure, since drawing takes longer than all else."""
    from shiftassay.report.finding import Figure, Finding, Report, Table
    from shiftassay.report.write import FINDINGS, write_report
    from shiftassay.sealed import read_sealed

    spread = {"estimate": [0.9, 0.8], "low": [0.88, 0.7], "high": [0.92, 0.85], "seeds": [[0.9], [0.8]]}
    figure = Figure("accuracy", {"names": ["a", "b"], "chance": 0.1, **spread}, "It falls.")
    table = Table(("variant", "accuracy"), (("t1", "0.9"),), "What was found.", ("accuracy",), "Details")
    sentences = ("It is 42.", "No doubt.")
    contents = []
    for figures in ((figure,), ()):
        finding = Finding("answer", "The answer", sentences, (table,), figures, {"answer": 42})
        report = Report("A study", "What is it?", ("42.",), (finding,), Table(("", ""), (("seed", "1"),)))
        path = write_report(folder / "report", report).parent / FINDINGS
        contents.append(read_sealed(path))

    def lie(rng: Rng) -> bytes:
        return _sealed(folder, mutation.changed(contents[int(rng.random() > 0.05)], rng))

    def read(path: Path) -> int:
        before = {*folder.parent.iterdir(), *folder.iterdir()}
        write_report(path.parent)
        outside = {*folder.parent.iterdir(), *folder.iterdir()} - before
        assert not outside, f"written outside the report's folder: {outside}"
        return 0

    return Reader(f"report/{FINDINGS}", path.read_bytes(), lie, read)


def _picture(kind: str) -> Callable[[Path], Reader]:
    def reader(folder: Path) -> Reader:
        (folder / kind).mkdir(exist_ok=True)
        name, whole = f"{kind}/{pictures.KINDS[kind]}", pictures.encoded(kind)
        return Reader(name, whole, lambda rng: pictures.lying(kind, rng), pictures.read_folder_of)

    return reader


def _parquet(_: Path) -> Reader:
    whole = pictures.parquet()
    return Reader("a.parquet", whole, lambda rng: damaged(damaged(whole, rng), rng), pictures.read_file)


def _labels_by_name(_: Path) -> Reader:
    whole = b"file,label\na.png,cat\nb.png,dog\n"
    return Reader("names.csv", whole, lambda rng: damaged(damaged(whole, rng), rng), pictures.read_labeled_by)


READERS: dict[str, Callable[[Path], Reader]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    "IDX": _idx,
    "IDX.gz": _idx_gz,
    "labels.npy": _labels_npy,
    "labels.npz": _labels_npz,
    "labels.csv": _labels_csv,
    "labels.idx": _labels_idx,
    **{kind: _picture(kind) for kind in pictures.KINDS},
    "Parquet": _parquet,
    "labels by name": _labels_by_name,
    "study.toml": _toml,
    "model.json": _card,
    "model.json, fronted": _fronted_card,
    "model.json, one for all": _one_for_all_card,
    "weights.safetensors": _safetensors,
    "weights.pt": _pt,
    "store arrays": _arrays,
    "store JSON": _json,
    "findings.json": _findings,
}
