"""Cases on photographs, diagnosed and judged, each in a process of its own, so that time and memory are the case's.

Outcomes are kept by case and by the source that they depend on, as those of digits.
"""

import gc
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from benchmarks.diagnosis import kept
from benchmarks.diagnosis.build import Built
from benchmarks.diagnosis.case import Case
from benchmarks.diagnosis.drawn.outcome import Outcome
from benchmarks.diagnosis.drawn.run import described, judged_outcome
from benchmarks.photographs.cases import build, drawn_case, given

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.files import write_whole
from shiftassay.random_stream import seed_for

TIME_LIMIT = 3600  # seconds, of one case
MIB = 1024  # KiB
JUDGED = 100  # images by which the places of a permutation are judged
OWN_SOURCE = "benchmarks/photographs"


@dataclass(frozen=True)
class Asked:
    """A case by what it is made from."""

    seed: int
    stratum: str
    index: int
    n: int
    size: int

    @property
    def case(self) -> Case:
        return drawn_case(self.seed, self.stratum, self.index, self.n, self.size)

    @property
    def file(self) -> Path:
        name = f"photographs-{self.stratum}-{self.index}"
        return kept.file(name, str(self), kept.digest(OWN_SOURCE))


def run(asked: Sequence[Asked], workers: int = 1, again: bool = False) -> list[Outcome]:
    """The outcome of each case, in their order; a line for each is printed as it comes."""
    kept.FOLDER.mkdir(parents=True, exist_ok=True)
    done = {
        one: Outcome.from_json(json.loads(one.file.read_text())) for one in asked if one.file.exists() and not again
    }
    for number, (one, outcome) in enumerate(done.items(), 1):
        _say(f"[kept {number}/{len(done)}]", one, outcome)
    missing = [one for one in asked if one not in done]
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(_in_own_process, one, workers): one for one in missing}
        for number, future in enumerate(as_completed(futures), 1):
            one, outcome = futures[future], future.result()
            if outcome.error is None:  # what failed is tried again
                write_whole(one.file, json.dumps(outcome.to_json()).encode())
            done[one] = outcome
            _say(f"[{number}/{len(missing)}]", one, outcome)
    return [done[one] for one in asked]


def outcome_of(asked: Asked) -> Outcome:
    """Make a case, diagnose it, measure how long that takes and how much memory, and judge the verdict.

    The peak of memory is that of this process from when it has both sets to when it has the verdict.
    """
    case = asked.case
    outcome = described(case)
    began, worked = perf_counter(), process_time()
    try:
        reference, shifted, built = _made(asked)
        _forget_peak()
        began, worked = perf_counter(), process_time()
        diagnosis = diagnose(reference, shifted, seed=seed_for(asked.seed, asked.stratum, asked.index) % 2**31)
        outcome = replace(outcome, **_spent(began, worked), shifted_images=len(shifted))
        outcome = replace(outcome, strength=built.strength, share=built.share)
        return judged_outcome(outcome, diagnosis.to_json(), case, _as_floats(built, reference, shifted))
    except Exception:
        return replace(outcome, error=traceback.format_exc(), **_spent(began, worked))


def _made(asked: Asked) -> tuple[np.ndarray, np.ndarray, Built]:
    """Both sets as they are given, and the truth without them, which would take up memory."""
    built = build(asked.case, asked.size)
    reference, shifted = given(built)
    nothing = np.empty((0, *built.reference.shape[1:]), np.float32)
    light = replace(built, reference=nothing, shifted=nothing)
    del built
    gc.collect()
    return reference, shifted, light


def _as_floats(built: Built, reference: np.ndarray, shifted: np.ndarray) -> Built:
    """The truth with both sets again; fewer images, where each place of a permutation is compared with the others."""
    many = any("permutation" in part["parameters"] for part in built.truth)
    count = JUDGED if many else len(reference)
    sides = (
        side[:count] if side.dtype != np.uint8 else side[:count].astype(np.float32) / np.float32(255)
        for side in (reference, shifted)
    )
    return replace(built, reference=next(sides), shifted=next(sides))


def _spent(began: float, worked: float) -> dict[str, float | None]:
    return {
        "seconds": round(perf_counter() - began, 2),
        "cpu_seconds": round(process_time() - worked, 2),
        "peak_mib": _peak_mib(),
    }


def _forget_peak() -> None:
    """The peak counts from now on, where the kernel can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float | None:
    """The largest resident size of this process so far; None where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return round(int(peak[1]) / MIB) if peak else None


def _in_own_process(asked: Asked, workers: int) -> Outcome:
    """The outcome of a case by a fresh process; what ends it, if it ends without one."""
    code = "import sys, json; from benchmarks.photographs.run import answer; answer(*json.loads(sys.argv[1]))"
    arguments = json.dumps([asked.seed, asked.stratum, asked.index, asked.n, asked.size])
    threads = {"OMP_NUM_THREADS": "1"} if workers > 1 else {}
    began = perf_counter()
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code, arguments],
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            env={**os.environ, **threads},
        )
        lines = ended.stdout.splitlines()
        if ended.returncode == 0 and lines:
            return Outcome.from_json(json.loads(lines[-1]))
        problem = f"The process ended with {ended.returncode}. {ended.stderr[-500:]}"
    except subprocess.TimeoutExpired:
        problem = f"The diagnosis was not done after {TIME_LIMIT} s."
    return replace(described(asked.case), error=problem, seconds=round(perf_counter() - began, 2))


def answer(*asked: int | str) -> None:
    """What the fresh process does: print the outcome of the case."""
    print(json.dumps(outcome_of(Asked(*asked)).to_json()))  # pyright: ignore[reportArgumentType]  # as they were sent


def _say(place: str, asked: Asked, outcome: Outcome) -> None:
    """Whether it is right, what it was, what was said, seconds, memory."""
    right = "ERROR" if outcome.error else "right" if outcome.right else "wrong"
    off = f" ({'; '.join(outcome.wrong)})" if outcome.wrong else ""
    answered = outcome.error.strip().splitlines()[-1] if outcome.error else f"{outcome.verdict} {outcome.scope}{off}"
    memory = "" if outcome.peak_mib is None else f", {outcome.peak_mib:.0f} MiB"
    spent = f"{outcome.seconds:.1f} s, {outcome.cpu_seconds or 0:.1f} s of CPU{memory}"
    print(f"{place} {right} {asked.case.name}: {answered}. {spent}", flush=True)
