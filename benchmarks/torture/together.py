"""Several commands at once on one store.

Each is in a process namespace of its own where that can be had, so that their numbers are the same.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from benchmarks.torture.commands import TIMEOUT, WORKLOADS, fingerprint, ready, strays, with_models
from benchmarks.torture.kills import undisturbed
from benchmarks.torture.outcome import Outcome


def together(name: str, count: int, folder: Path, seed: int) -> Outcome:
    """The same command two or three times at once, so many times: all end well, with the results of one alone."""
    work, rng, outcome = WORKLOADS[name], np.random.default_rng(seed), Outcome(f"{name} beside itself")
    expected, _, _ = undisturbed(work, folder / "undisturbed")
    for turn in range(count):
        place = ready(work, folder / f"turn{turn}")
        several = [_begun(work.arguments, place) for _ in range(2 + int(rng.integers(2)))]
        for number, process in enumerate(several):
            try:
                err = process.communicate(timeout=TIMEOUT)[1]
            except subprocess.TimeoutExpired:
                process.kill()
                outcome.fault("wedged", f"turn {turn}, command {number}")
                continue
            outcome.more["waited"] += b"is at work here" in err
            if process.returncode:
                outcome.fault("lost", f"turn {turn}, command {number}: exit {process.returncode}: {err[-300:]!r}")
        outcome.tried += 1
        digests = fingerprint(place / work.results)
        if digests != expected:
            outcome.fault(
                "wrong", f"turn {turn}: {sorted(n for n in {*digests, *expected} if digests.get(n) != expected.get(n))}"
            )
        if left := strays(place):
            outcome.fault("lost", f"turn {turn}: partial files stay: {', '.join(left)}")
        shutil.rmtree(place)
    return outcome


def own_namespace() -> list[str]:
    """What gives a command process numbers of its own; nothing where that is not allowed."""
    alone = ["unshare", "--pid", "--fork", "--kill-child"]
    allowed = (
        shutil.which("unshare") is not None and subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    )
    return alone if allowed else []


def _begun(arguments: list[str], folder: Path) -> subprocess.Popen:
    as_installed = "import sys; sys.argv[0] = 'shiftassay'; from shiftassay.cli import main; main()"
    command = [*own_namespace(), sys.executable, "-c", as_installed, *with_models(arguments, folder)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
