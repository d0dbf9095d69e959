"""Every case of the benchmark, in the order of its tables."""

from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache

import numpy as np
from benchmarks.diagnosis import (
    attack,
    blur,
    compositions,
    families,
    fashion,
    geometry,
    intensity,
    left_out,
    noise,
    nulls,
    overlay,
    pairings,
    rearrangement,
    sample,
    unknowns,
)
from benchmarks.diagnosis.case import Case

from shiftassay.random_stream import seed_for

SINGLES = (intensity, noise, geometry, blur, overlay, rearrangement)


@cache
def every_case() -> dict[str, Case]:
    """All cases that can be made here, by name."""
    cases = [case for case in _cases() if case.makeable]
    named = {case.name: case for case in cases}
    assert len(named) == len(cases), "two cases have the same name"
    return named


def chosen(groups: list[str], only: str | None, sample: int | None, seed: int) -> list[Case]:
    """Cases of the groups, by name and as a sample.

    `only`: those whose name holds (or, with wildcards, matches) it. `sample`: so many, one of each stratum first.
    """
    cases = [
        case
        for case in every_case().values()
        if (not groups or case.group in groups) and (not only or only in case.name or fnmatch(case.name, only))
    ]
    if sample is None:
        return cases
    rng = np.random.default_rng(seed_for(seed, "sample"))
    shuffled = [cases[i] for i in rng.permutation(len(cases))]
    taken: dict[str, int] = {}
    rounds = []
    for case in shuffled:
        # Other groups than those of single families are a stratum each, which gives two cases at a time.
        single = case.group in GROUPS
        stratum = case.stratum if single else case.group.partition("-")[0]
        count = taken[stratum] = taken.get(stratum, -1) + 1
        rounds.append(count if single else count // 2)
    order = np.argsort(rounds, kind="stable")[:sample]
    names = {shuffled[i].name for i in order}
    return [case for case in cases if case.name in names]


GROUPS = tuple(module.GROUP for module in (*SINGLES, sample))


def _cases() -> Iterator[Case]:
    singles = [*_singles(), *attack.cases()]
    cases = [
        *singles,
        *compositions.cases(),
        *nulls.cases(),
        *unknowns.cases(),
        *pairings.unpaired(),
        *pairings.reordered(),
    ]
    yield from cases
    yield from left_out.cases(singles)
    yield from fashion.cases(cases)
    yield from families.cases()


def _singles() -> Iterator[Case]:
    for module in SINGLES:
        for part in module.parts():
            yield Case(module.GROUP, (part,))
    yield from _partly()
    for part in sample.parts():
        pairing = {"reorder": "reordered", "class_prior": None}.get(part.family, "same_order")
        yield Case(sample.GROUP, (part,), pairing)


def _partly() -> Iterator[Case]:
    """Shifts that touch only some of the images."""
    for part, share in (
        (intensity.invert(), 0.5),
        (geometry.rotate(20.0), 0.6),
        (noise.gaussian_noise(0.2), 0.4),
        (geometry.flip_horizontal(), 0.5),
        (blur.gaussian_blur(1.5), 0.3),
        (overlay.occlusion(8, 8, 10, 10, 0.5), 0.5),
    ):
        yield Case(part.group, (part,), share=share)
