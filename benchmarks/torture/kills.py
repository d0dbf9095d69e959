"""SIGKILL at random moments, and at every step of a write.

The same command then ends with the results of an undisturbed one.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.torture.commands import WORKLOADS, Ended, Workload, fingerprint, finished, ready, run, started, strays
from benchmarks.torture.outcome import Outcome

IN_A_ROW = 4  # kills before a command may end


def kills(name: str, count: int, folder: Path, seed: int) -> Outcome:
    """So many kills of a workload, half of them at a random moment, half of them at a random step of a random write."""
    work, rng, outcome = WORKLOADS[name], np.random.default_rng(seed), Outcome(f"kills of {name}")
    expected, seconds, events = undisturbed(work, folder / "undisturbed")
    chain = 0
    while outcome.tried < count:
        chain += 1
        place = ready(work, folder / f"chain{chain}")
        for turn in range(IN_A_ROW):
            if turn % 2:
                setup = dying_at(int(rng.integers(1, events + 1)))
                ended = run(work.arguments, place, setup)
            else:
                ended = killed_after(work, place, float(rng.uniform(0, seconds)))
            if ended.code != -signal.SIGKILL:
                outcome.more["too late"] += 1
                break
            outcome.tried += 1
            outcome.more["left a partial file"] += bool(strays(place))
        judge(outcome, work, place, expected, f"chain {chain}")
        shutil.rmtree(place)
    return outcome


def undisturbed(work: Workload, folder: Path) -> tuple[dict[str, str], float, int]:
    """The results of a workload, its seconds, and the steps of all its writes."""
    place = ready(work, folder)
    counted = folder / "steps"
    ended = run(work.arguments, place, lambda: _each_step(lambda step: counted.write_text(str(step))))
    if ended.code:
        raise RuntimeError(f"{work.name} failed undisturbed: {ended.err}")
    digests = fingerprint(place / work.results)
    return digests, ended.seconds, int(counted.read_text())


def judge(outcome: Outcome, work: Workload, place: Path, expected: dict[str, str], case: str) -> None:
    """Whether the same command, undisturbed now, ends with the results that it should."""
    ended = run(work.arguments, place)
    description = f"{case}: exit {ended.code}: {ended.err[-300:]}"
    if ended.code == -signal.SIGKILL:
        outcome.fault("wedged", description)
    elif ended.code:
        outcome.fault("lost", description)
    else:
        digests = fingerprint(place / work.results)
        if digests != expected:
            differing = sorted(n for n in {*digests, *expected} if digests.get(n) != expected.get(n))
            outcome.fault("wrong", f"{case}: {', '.join(differing)}")
        if left := strays(place):
            outcome.fault("lost", f"{case}: partial files stay: {', '.join(left)}")


def killed_after(work: Workload, place: Path, seconds: float) -> Ended:
    """How a command ended that is killed after so many seconds, unless it ended before."""
    pid = started(work.arguments, place)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)  # which does nothing to one that has ended and was not waited for
    return finished(pid, place)


def dying_at(event: int) -> Callable[[], None]:
    """A setup that has a process kill itself at the so-manieth step of its writes."""

    def die(step: int) -> None:
        if step == event:
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda: _each_step(die)


def _each_step(report: Callable[[int], None]) -> None:
    """Tell of every step of every write.

    Steps are before and after a file or folder goes to the disk, and before and after a move.
    """
    step = [0]

    def noted(function):
        def wrapped(*arguments, **named):
            step[0] += 1
            report(step[0])
            result = function(*arguments, **named)
            step[0] += 1
            report(step[0])
            return result

        return wrapped

    os.fsync = noted(os.fsync)
    Path.replace = noted(Path.replace)
