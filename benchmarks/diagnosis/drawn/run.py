"""Drawn cases, diagnosed and judged: from what is kept, or now.

Outcomes are kept in out/diagnosis-benchmark by case, seed and the source that they depend on.
"""

import json
import multiprocessing
import traceback
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from time import perf_counter
from typing import Any

from benchmarks.diagnosis import kept
from benchmarks.diagnosis.attack import victim
from benchmarks.diagnosis.build import Built, build_drawn
from benchmarks.diagnosis.case import Case, Drawn
from benchmarks.diagnosis.diagnosed import diagnosed
from benchmarks.diagnosis.drawn.cases import drawn_case
from benchmarks.diagnosis.drawn.outcome import Outcome
from benchmarks.diagnosis.judge import judge

from shiftassay.files import write_whole
from shiftassay.random_stream import seed_for


def run(cases: Sequence[Case], workers: int = 1, again: bool = False, verbose: bool = False) -> list[Outcome]:
    """The outcome of each drawn case, in their order."""
    kept.FOLDER.mkdir(parents=True, exist_ok=True)
    origins = [case.drawn for case in cases if case.drawn is not None]
    assert len(origins) == len(cases), "only drawn cases"
    files = {origin: kept.file(f"{origin.stratum}-{origin.index}", str(origin)) for origin in origins}
    done = {
        o: Outcome.from_json(json.loads(file.read_text())) for o, file in files.items() if file.exists() and not again
    }
    missing = [origin for origin in origins if origin not in done]
    if workers > 1 and any(case.model for case in cases if case.drawn in missing):
        victim()  # trained and kept once, before the workers ask for it
    for i, (origin, outcome) in enumerate(_made(missing, workers), 1):
        if outcome.error is None:  # what failed is tried again
            write_whole(files[origin], json.dumps(outcome.to_json()).encode())
        done[origin] = outcome
        if verbose or not outcome.right:
            _say(f"[{i}/{len(missing)}]", outcome)
    return [done[origin] for origin in origins]


def outcome_of(seed: int, stratum: str, index: int) -> Outcome:
    """Make a case, diagnose it, judge the verdict."""
    case = drawn_case(seed, stratum, index)
    began = perf_counter()
    outcome = described(case)
    try:
        built = build_drawn(case)
        outcome = replace(outcome, shifted_images=len(built.shifted), strength=built.strength, share=built.share)
        began = perf_counter()
        diagnosis = diagnosed(case, built, seed_for(seed, stratum, index) % 2**31)
        outcome = replace(outcome, seconds=round(perf_counter() - began, 3))
        return judged_outcome(outcome, diagnosis, case, built)
    except Exception:
        return replace(outcome, error=traceback.format_exc(), seconds=perf_counter() - began)


def judged_outcome(outcome: Outcome, diagnosis: Mapping[str, Any], case: Case, built: Built) -> Outcome:
    """The outcome with the verdict of the diagnosis, given as JSON, and what is right of it."""
    judged = judge(diagnosis, case, built)
    verdict = diagnosis["verdict"]
    return replace(
        outcome,
        verdict=verdict["family"],
        scope=verdict["scope"],
        confidence=judged.confidence,
        evidence=verdict.get("evidence"),
        misfits=tuple((c["family"], c["misfit"]) for c in diagnosis["candidates"][:3]),
        right=judged.right,
        family=judged.family,
        scope_right=judged.scope,
        parameters_right=judged.parameters,
        pairing_right=judged.pairing,
        share_right=judged.share,
        information_right=judged.information,
        order_right=judged.order,
        alarm=_alarm(case, verdict["family"]) if outcome.stratum == "null" else None,
        wrong=judged.wrong,
    )


def _alarm(case: Case, verdict: str) -> bool:
    """Whether a shift of the pictures is named; that of the classes' shares only where these are the same."""
    quiet = {"identity", "reorder" if case.pairing != "unpaired" else "identity"}
    return verdict not in (quiet | {"class_prior"} if case.by_labels else quiet)


def described(case: Case) -> Outcome:
    """What a case is, before it is diagnosed."""
    drawn = case.drawn
    assert drawn is not None
    kinds = tuple(part.way.rsplit("-", 2)[0] if part.family == "unknown" else part.family for part in case.parts)
    ways = {part.way.rpartition("-")[2] for part in case.parts}
    return Outcome(
        case=case.name,
        stratum=drawn.stratum,
        index=drawn.index,
        truth=case.family,
        families=(case.variant,) if case.variant else kinds,
        per_image=any(part.scope == "per_image" for part in case.parts),
        dataset=case.dataset,
        stored=next((how for how in ("bytes", "half") if how in ways), "float"),
        images=drawn.images,
        shifted_images=drawn.images,
        share=case.share,
        pairing=case.pairing,
        seconds=0.0,
    )


def _made(origins: Sequence[Drawn], workers: int) -> Iterable[tuple[Drawn, Outcome]]:
    if workers <= 1:
        yield from ((o, outcome_of(o.seed, o.stratum, o.index)) for o in origins)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, kept.single_threaded) as pool:
        futures = {pool.submit(outcome_of, o.seed, o.stratum, o.index): o for o in origins}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def _say(place: str, outcome: Outcome) -> None:
    right = "ERROR" if outcome.error else "right" if outcome.right else "wrong"
    reason = outcome.error.splitlines()[-1] if outcome.error else "; ".join(outcome.wrong)
    print(f"{place} {right} {outcome.case} ({outcome.seconds:.1f} s): {reason}", flush=True)
