"""Power cuts: the system calls of a real run, replayed to states that a disk may be left in.

The calls are recorded by strace. What POSIX promises, and no more: the content of a file is on the disk once fsync of
the file has returned, and a name in a folder once fsync of the folder has. Of everything later any part may be there,
in any order: a name without its content, a content half.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from benchmarks.torture.commands import WORKLOADS, Workload, fingerprint, ready, with_models
from benchmarks.torture.kills import judge
from benchmarks.torture.outcome import Outcome

CALLS = (
    "openat,open,creat,write,pwrite64,ftruncate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir"
)
KINDS = ("sure", "some", "names", "all")  # how much of what was not brought to the disk is there
CALL = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
DESCRIPTOR = re.compile(r"(?:^|, )\d+<((?:\\x[0-9a-f]{2})*)>")
BEGUN = (
    "import sys; sys.argv[0] = 'shiftassay'; "
    "from shiftassay.training import engine, parts; engine.CHECKPOINT_SECONDS, parts.SLICE = 0.0, 0.01; "
    "from shiftassay.cli import main; main()"
)


@dataclass
class Disk:
    """Files and folders below one root as processes see them, and as they are on the disk for sure."""

    root: str
    seen: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    folders_seen: set[str] = field(default_factory=set)
    folders_kept: set[str] = field(default_factory=set)
    content: dict[int, bytes] = field(default_factory=dict)
    content_kept: dict[int, bytes] = field(default_factory=dict)
    pending: list[tuple[str, ...]] = field(default_factory=list)

    def does(self, name: str, texts: list[bytes], descriptor: str | None, arguments: str) -> None:
        """Take in one system call that succeeded."""
        paths = [text.decode(errors="replace") for text in texts]
        if (
            name in ("open", "openat", "creat")
            and ("O_CREAT" in arguments or "O_TRUNC" in arguments)
            and "O_TMPFILE" not in arguments
        ):
            [path] = paths[:1]
            if path not in self.seen and self._ours(path):
                self.seen[path] = len(self.content)
                self.content[self.seen[path]] = self.content_kept[self.seen[path]] = b""
                self.pending.append(("link", path, str(self.seen[path])))
            elif "O_TRUNC" in arguments and path in self.seen:
                self.content[self.seen[path]] = b""
        elif name in ("write", "pwrite64", "ftruncate") and descriptor in self.seen:
            inode = self.seen[descriptor]
            if name == "write":
                self.content[inode] += texts[-1]
            elif name == "pwrite64":
                self.content[inode] = texts[-1] + self.content[inode][len(texts[-1]) :]
            else:
                self.content[inode] = self.content[inode][: int(arguments.rsplit(",", 1)[1])]
        elif name in ("fsync", "fdatasync") and descriptor is not None:
            if descriptor in self.seen:
                self.content_kept[self.seen[descriptor]] = self.content[self.seen[descriptor]]
            else:
                rest = []
                for operation in self.pending:
                    if any(_parent(path) == descriptor for path in operation[1 : 3 if operation[0] == "move" else 2]):
                        _apply(operation, self.kept, self.folders_kept)
                    else:
                        rest.append(operation)
                self.pending = rest
        elif name.startswith("rename") and self._ours(paths[1]):
            self._now(("move", paths[0], paths[1]))
        elif name in ("unlink", "unlinkat", "rmdir") and self._ours(paths[0]):
            self._now(("remove", paths[0]))
        elif name in ("mkdir", "mkdirat") and self._ours(paths[0]):
            self._now(("folder", paths[0]))

    def states(self, rng: np.random.Generator) -> dict[str, tuple[dict[str, bytes], set[str]]]:
        """Files and folders as a cut may leave them now.

        Nothing more than is sure, all, names alone, and some of everything.
        """
        states = {}
        for kind in KINDS:
            files, folders = dict(self.kept), set(self.folders_kept)
            for operation in self.pending:
                if kind in ("all", "names") or (kind == "some" and rng.random() < 0.5):
                    _apply(operation, files, folders)
            states[kind] = (
                {path: self._content(inode, kind, rng) for path, inode in files.items()},
                folders,
            )
        return states

    def _content(self, inode: int, kind: str, rng: np.random.Generator) -> bytes:
        kept, seen = self.content_kept[inode], self.content[inode]
        if kind == "all" or (kind == "some" and rng.random() < 0.3):
            return seen
        if kind == "some" and kept != seen and rng.random() < 0.5:
            return seen[: int(rng.integers(len(seen) + 1))]
        return kept

    def _ours(self, path: str) -> bool:
        return path.startswith(self.root)

    def _now(self, operation: tuple[str, ...]) -> None:
        _apply(operation, self.seen, self.folders_seen)
        self.pending.append(operation)


def power_cuts(name: str, count: int, folder: Path, seed: int) -> Outcome:
    """So many cuts of a workload: random moments of its writes, each left in one of the states that it allows."""
    work, rng, outcome = WORKLOADS[name], np.random.default_rng(seed), Outcome(f"power cuts of {name}")
    calls, expected = recorded(work, folder / "recorded")
    place = ready(work, folder / "cut")
    root = folder / "recorded" / work.results
    moments = sorted(rng.choice(np.arange(1, len(calls) + 1), size=min(count, len(calls)), replace=False).tolist())
    disk, done = Disk(str(root)), 0
    for turn, moment in enumerate(moments):
        for call in calls[done:moment]:
            disk.does(*call)
        done = moment
        files, folders = disk.states(rng)[KINDS[turn % len(KINDS)]]
        shutil.rmtree(place / work.results, ignore_errors=True)
        for path in sorted(folders):
            (place / work.results / Path(path).relative_to(root)).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            there = place / work.results / Path(path).relative_to(root)
            if there.parent.is_dir():  # else the folder it is in is not on the disk, nor is it
                there.write_bytes(content)
        outcome.tried += 1
        judge(outcome, work, place, expected, f"call {moment} of {len(calls)}, {KINDS[turn % len(KINDS)]}")
        outcome.more["damage was noticed"] += "damaged" in (place / "log.err").read_text()
    return outcome


def recorded(work: Workload, folder: Path) -> tuple[list[tuple[str, list[bytes], str | None, str]], dict[str, str]]:
    """The calls that a run of a workload makes below its results, and the results.

    Those that succeeded, in their order.
    """
    place = ready(work, folder)
    trace = folder / "trace"
    strace = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    command = [*strace, sys.executable, "-c", BEGUN, *with_models(work.arguments, place)]
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    root = str(place / work.results)
    calls, open_calls = [], {}
    with trace.open() as lines:
        for line in lines:
            thread, _, text = line.partition(" ")
            text = text.strip()
            if text.endswith("<unfinished ...>"):
                open_calls[thread] = text.removesuffix("<unfinished ...>")
                continue
            if text.startswith("<... "):
                text = open_calls.pop(thread, "") + text.partition("resumed>")[2]
            match = CALL.match(text)
            if match is None or int(match["result"]) < 0:
                continue
            arguments = match["arguments"]
            texts = [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(arguments)]
            descriptors = [
                bytes.fromhex(text.replace("\\x", "")).decode(errors="replace")
                for text in DESCRIPTOR.findall(arguments)
            ]
            # A name may be relative to the working directory, or to a folder that is open.
            texts = (
                [
                    _absolute(text, place) if i == 0 or match["name"].startswith("rename") else text
                    for i, text in enumerate(texts)
                ]
                if match["name"] not in ("write", "pwrite64")
                else texts
            )
            descriptor = descriptors[0] if descriptors else None
            touched = [
                descriptor or "",
                *(text.decode(errors="replace") for text in texts[:2] if match["name"] not in ("write", "pwrite64")),
            ]
            if any(path.startswith(root) for path in touched):
                calls.append((match["name"], texts, descriptor, re.sub(r'"[^"]*"', '""', arguments)))
    trace.unlink()
    return calls, fingerprint(place / work.results)


def can_record() -> bool:
    """Whether strace is here and may be used."""
    return (
        shutil.which("strace") is not None
        and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0
    )


def _absolute(text: bytes, place: Path) -> bytes:
    return text if text.startswith(b"/") else str(place).encode() + b"/" + text


def _parent(path: str) -> str:
    return str(Path(path).parent)


def _apply(operation: tuple[str, ...], files: dict[str, int], folders: set[str]) -> None:
    """Do to names what an operation does, as far as what it needs is there."""
    kind, path, *rest = operation
    if kind == "link":
        files.setdefault(path, int(rest[0]))
    elif kind == "move" and path in files:
        files[rest[0]] = files.pop(path)
    elif kind == "remove":
        files.pop(path, None)
        folders.discard(path)
    elif kind == "folder":
        folders.add(path)
