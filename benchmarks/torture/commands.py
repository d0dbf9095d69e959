"""Commands that are tortured, on a few real digits.

They run in forked children of a process that has imported everything.
"""

import hashlib
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Imported once, before children are forked.
import shiftassay.cli.app
import shiftassay.diagnosis.diagnose
import shiftassay.repairs.repair
import shiftassay.studies.run  # noqa: F401  # imported for its children
from shiftassay.cli import main
from shiftassay.files import PARTIAL
from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.imagesets.idx import write_idx
from shiftassay.imagesets.write import write_array
from shiftassay.locks import LOCK
from shiftassay.training import engine, parts

TRAINING, TEST = 800, 300
TIMEOUT = 300.0
STUDY = """
kind = "shifted-test-sets"
title = "Tortured"
question = "Does it keep its word?"
data = "data"
network = "mlp"
network_parameters = {{ widths = [16] }}
recipe = "seed-003"
epochs = 4
seeds = 1
{argument}
[[variants]]
name = "dark"
family = "gain"
parameters = {{ factor = 0.5 }}
[[variants]]
name = "mixed"
family = "pixel_permutation"
"""
ARGUMENT = "[argument]\nimages = 200\n"
TRAIN = ["train", "mlp:widths=[16]", "--data", "data", "--recipe", "seed-003", "--epochs", "4", "--seeds", "2"]
OTHER = ["train", "mlp:widths=[8]", "--data", "data", "--recipe", "seed-003", "--epochs", "4", "--out", "model"]
MODEL = ["train", "mlp:widths=[16]", "--data", "data", "--recipe", "seed-003", "--epochs", "4", "--out", "model"]
# Times, and hashes of files that hold times, are what equal results may differ in.
NOT_RESULTS = ("environment", "sha256", "files")
NOT_COMPARED = ("environment.json", "manifest.json", "report.html", "report.md", LOCK)


@dataclass(frozen=True)
class Workload:
    """A command, what has to be there before it, and where its results are."""

    name: str
    arguments: list[str]
    results: str = "out"
    before: list[list[str]] = field(default_factory=list)


WORKLOADS = {
    work.name: work
    for work in (
        Workload("train", TRAIN, before=[OTHER]),
        Workload("study", ["run", "nano.toml"]),
        Workload("argued study", ["run", "micro.toml"]),
        Workload("variants", ["variants", "out", "--study", "nano.toml", "--model", "MODEL"], before=[MODEL]),
        Workload(
            "repair",
            [
                "repair",
                "data/clean.npy",
                "data/dark.npy",
                "--labels",
                "data/labels.npy",
                "--model",
                "MODEL",
                "--quick",
                "--epochs",
                "1",
                "--out",
                "out",
            ],
            before=[MODEL],
        ),
    )
}


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative, the signal that ended it), what it said, and how long it took."""

    code: int
    out: str
    err: str
    seconds: float


def prepare(folder: Path) -> Path:
    """A working directory with the data and the studies."""
    data = folder / "data"
    for part, stem, n in (("train", "train", TRAINING), ("test", "t10k", TEST)):
        images, labels = embedded_mnist(part)
        write_idx(data / f"{stem}-images-idx3-ubyte", images[:n])
        write_idx(data / f"{stem}-labels-idx1-ubyte", labels[:n])
    images, labels = embedded_mnist("test")
    write_array(data / "clean.npy", images[1000 : 1000 + TEST])
    write_array(data / "dark.npy", (images[1000 : 1000 + TEST] * 0.4).astype("uint8"))
    write_array(data / "labels.npy", labels[1000 : 1000 + TEST])
    (folder / "nano.toml").write_text(STUDY.format(argument=""))
    (folder / "micro.toml").write_text(STUDY.format(argument=ARGUMENT))
    return folder


def ready(work: Workload, folder: Path) -> Path:
    """A working directory in which the workload can begin."""
    prepare(folder)
    for arguments in work.before:
        ended = run(arguments, folder)
        if ended.code:
            raise RuntimeError(f"{' '.join(arguments)} failed: {ended.err}")
    return folder


def with_models(arguments: list[str], folder: Path) -> list[str]:
    """The words of a command, with the folders of runs for what stands for them."""
    runs, models = (
        [str(path.relative_to(folder)) for path in sorted((folder / store / "runs").glob("*"))]
        for store in ("out", "model")
    )
    names = {"RUN": runs[:1], "MODEL": models[:1]}
    return [argument for word in arguments for argument in names.get(word, [word])]


def started(arguments: list[str], folder: Path, setup: Callable[[], None] = lambda: None, name: str = "log") -> int:
    """The process number of a command that was begun in the folder; `setup` runs in its process."""
    arguments = with_models(arguments, folder)
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.chdir(folder)
        for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, f"{name}.out", None), (2, f"{name}.err", None)):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if mode is None else mode
            os.dup2(os.open(path, flags, 0o666), number)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(os.dup(n), m) for n, m in ((0, "r"), (1, "w"), (2, "w")))
        sys.argv = ["shiftassay", *arguments]
        warnings.resetwarnings()  # of the tests, where they are errors
        engine.CHECKPOINT_SECONDS, parts.SLICE = 0.0, 0.01  # so that there is much to be killed in
        setup()
        code = 1
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    finally:
        os._exit(99)


def finished(pid: int, folder: Path, name: str = "log", within: float = TIMEOUT) -> Ended:
    """Wait for a command; one that takes too long is killed, and counts as wedged (exit code −9)."""
    began = time.monotonic()
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() - began > within:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    output = [
        (folder / f"{name}.{end}").read_text(errors="replace") if (folder / f"{name}.{end}").is_file() else ""
        for end in ("out", "err")
    ]
    return Ended(os.waitstatus_to_exitcode(status), output[0], output[1], time.monotonic() - began)


def run(arguments: list[str], folder: Path, setup: Callable[[], None] = lambda: None, name: str = "log") -> Ended:
    """A command from its beginning to its end."""
    return finished(started(arguments, folder, setup, name), folder, name)


def fingerprint(folder: Path) -> dict[str, str]:
    """What every result below a folder is: the hash of its content, of JSON without what is no result."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in NOT_COMPARED or path.name.endswith(PARTIAL):
            continue
        content = path.read_bytes()
        if path.suffix == ".json":
            with suppress(ValueError):  # one that is damaged counts as it is
                content = json.dumps(_results(json.loads(content)), sort_keys=True).encode()
        digests[path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()[:16]
    return digests


def strays(folder: Path) -> list[str]:
    """What killed writers have left."""
    return [str(path.relative_to(folder)) for path in folder.rglob(f".*{PARTIAL}")]


def _results(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _results(value) for name, value in content.items() if name not in NOT_RESULTS}
    return [_results(value) for value in content] if isinstance(content, list) else content
