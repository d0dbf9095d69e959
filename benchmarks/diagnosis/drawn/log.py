"""The log of test seeds: one line for each, written before its first case is made.

A seed of 1000 or more is a test. It is used once, on a tree without changes, so that nothing can have been fitted to
it; the same command on the same commit may go on where it was stopped. Smaller seeds are for development.
"""

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.diagnosis import kept

from shiftassay.errors import BadInput
from shiftassay.records import Record

FIRST_TEST_SEED = 1000
LOG = Path("docs", "results", "benchmark-log.jsonl")


@dataclass(frozen=True)
class Use(Record):
    """When, by what command, at which commit and on which source (its digest) a seed was used."""

    seed: int
    time: str
    commit: str
    command: str
    source: str


def used(seed: int, command: str, root: Path = kept.ROOT) -> Use:
    """Note that a test seed is used, or find the note of the run that is to go on.

    Raises `BadInput` if it was used otherwise, or if there are changes that no commit has.
    """
    if seed < FIRST_TEST_SEED:
        raise ValueError(f"{seed} is a development seed")
    changed = [line.split()[-1] for line in _git(root, "status", "--porcelain", "--", ".", f":!{LOG}").splitlines()]
    if changed:
        raise BadInput(f"seed {seed} is a test, and these files differ from the last commit: {', '.join(changed)}")
    use = Use(
        seed,
        datetime.now(UTC).isoformat(timespec="seconds"),
        _git(root, "rev-parse", "--short=12", "HEAD"),
        command,
        kept.source(),
    )
    for before in uses(root):
        if before.seed == seed:
            if (before.commit, before.command, before.source) == (use.commit, use.command, use.source):
                return before
            raise BadInput(
                f"seed {seed} was used on {before.time} at commit {before.commit} by `{before.command}`. "
                "A test seed is used once: take another."
            )
    (root / LOG).parent.mkdir(parents=True, exist_ok=True)
    with (root / LOG).open("a") as file:
        file.write(json.dumps(use.to_json()) + "\n")
    return use


def uses(root: Path = kept.ROOT) -> list[Use]:
    """All notes, in their order."""
    log = root / LOG
    return [Use.from_json(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise BadInput(f"a test seed needs a git checkout: {result.stderr.strip()}")
    return result.stdout.strip()
