"""Every stored file, damaged in every way.

What reads it names it, or makes it again, and nothing is concluded from it.
"""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.torture.commands import WORKLOADS, Ended, fingerprint, ready, run, with_models
from benchmarks.torture.outcome import Outcome

# What else reads the results of a command: each ends as it does on whole results, or names what is damaged.
READERS = {
    "train": ["evaluate RUN data/clean.npy --labels data/labels.npy", "compare RUN MODEL", "check out"],
    "study": [
        "report out/studies/nano",
        "evaluate RUN out/studies/nano/variants/clean.npy out/studies/nano/variants/dark.npy",
        "check out",
    ],
    "argued study": ["report out/studies/micro", "check out"],
    "variants": ["evaluate MODEL out/clean.npy out/mixed.npy", "check out"],
    "repair": ["evaluate out data/dark.npy --labels data/labels.npy", "check out"],
}
# What the command that made a file leaves as it is, since it neither reads nor makes it a second time.
KEPT = {"repair": ("import.json",)}


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    return content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def _digit(content: bytes, rng: np.random.Generator) -> bytes:
    places = [i for i, byte in enumerate(content) if byte in b"0123456789"]
    if not places:
        return _flip(content, rng)
    place = places[int(rng.integers(len(places)))]
    return content[:place] + (b"1" if content[place : place + 1] != b"1" else b"2") + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes | None]] = {
    "flipped bit": _flip,
    "another digit": _digit,
    "truncated": lambda content, rng: content[: int(rng.integers(1, max(2, len(content))))],
    "empty": lambda content, rng: b"",
    "gone": lambda content, rng: None,
}


def damages(name: str, every: int, folder: Path, seed: int) -> Outcome:
    """Each result of a workload × each kind of damage (every so-manieth of these) × whatever reads it."""
    work, rng, outcome = WORKLOADS[name], np.random.default_rng(seed), Outcome(f"damage after {name}")
    place = ready(work, folder / "place")
    first = run(work.arguments, place)
    if first.code:
        raise RuntimeError(f"{name} failed undisturbed: {first.err}")
    results = place / work.results
    expected = fingerprint(results)
    whole = folder / "whole"
    shutil.copytree(results, whole)
    readers = [with_models(words.split(), place) for words in READERS[name]]
    readings = {tuple(words): run(words, place).out for words in readers}
    files = sorted(path.relative_to(results) for path in results.rglob("*") if path.is_file())
    cases = [(file, kind) for file in files for kind in DAMAGES]
    for file, kind in cases[::every]:
        content = DAMAGES[kind]((whole / file).read_bytes(), rng)
        if content == (whole / file).read_bytes():
            continue
        for words in [*readers, work.arguments]:
            shutil.rmtree(results)
            shutil.copytree(whole, results)
            (results / file).unlink()
            if content is not None:
                (results / file).write_bytes(content)
            ended = run(words, place)
            outcome.tried += 1
            case = f"{file} {kind}, then {words[0]}: exit {ended.code}: {ended.err[-300:]}"
            if words is work.arguments:
                _judge_made_again(outcome, ended, fingerprint(results), expected, str(file), name, case)
            else:
                _judge_read(outcome, ended, readings[tuple(words)], str(file), words[0], case)
    return outcome


def _judge_made_again(
    outcome: Outcome, ended: Ended, digests: dict, expected: dict, file: str, name: str, case: str
) -> None:
    """The command that made the results makes again what is damaged."""
    if ended.code == -signal.SIGKILL:
        outcome.fault("wedged", case)
    elif ended.code:
        outcome.fault("lost", case)
    elif {n: d for n, d in digests.items() if n not in KEPT.get(name, ())} != {
        n: d for n, d in expected.items() if n not in KEPT.get(name, ())
    }:
        outcome.fault("silent" if Path(file).name not in ended.err else "wrong", case)
    else:
        outcome.more["made again"] += 1


def _judge_read(outcome: Outcome, ended: Ended, expected: str, file: str, verb: str, case: str) -> None:
    """Another command names what is damaged, or does not need it, and then says what it always says."""
    # A run whose card is gone is not finished: then its folder is named.
    named = any(name in ended.out + ended.err for name in (Path(file).name, str(Path(file).parent)))
    if ended.code == -signal.SIGKILL:
        outcome.fault("wedged", case)
    elif verb == "check":
        gone = (
            file.endswith(("model.json", "variants.json", "manifest.json")) and ended.out != expected
        )  # as if it had never been finished
        outcome.more["found by check"] += 1
        if not gone and (Path(file).name not in ended.out or ended.code != 1):
            outcome.fault("silent", case)
    elif ended.code == 2 and named:
        outcome.more["named"] += 1
    elif ended.code == 0 and ended.out == expected:
        outcome.more["not needed"] += 1
    else:
        outcome.fault("silent", case)
