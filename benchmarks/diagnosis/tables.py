"""Tables of docs/diagnosis.md, and README's short one, from the outcomes of drawn cases."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from benchmarks.diagnosis.drawn.cases import COUNTS
from benchmarks.diagnosis.drawn.log import FIRST_TEST_SEED
from benchmarks.diagnosis.drawn.outcome import Outcome
from benchmarks.diagnosis.drawn.ranges import RANGES
from benchmarks.diagnosis.drawn.singles import PICTURE, SAMPLE
from benchmarks.markdown import markdown
from scipy.stats import binomtest

from shiftassay.runs.environment import Environment
from shiftassay.words.numbers import DASH, number, percent, points

CONFIDENCE = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
IMAGES = (60, 150, 400, 1000, 3000, 10_000)
STRENGTH = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, np.inf)
STRATA = {
    "paired": "one shift, the same pictures in both sets",
    "small": "one shift, the same 100 pictures",
    "compositions": "two shifts in a row",
    "triples": "three shifts in a row",
    "unpaired": "one shift, other pictures in each set",
    "unknown": "in no catalogue: answered `unknown`",
    "left_out": "taken out of the catalogue: answered `unknown`, or an equivalent",
    "null": "no shift: none named",
}
TARGETS = {
    "paired": 0.98,
    "small": 0.93,
    "compositions": 0.9,
    "triples": None,
    "unpaired": 0.9,
    "unknown": 0.95,
    "left_out": 0.9,
}
ALARMS = 0.01
JUDGED: dict[str, Callable[[Outcome], bool | None]] = {
    "family": lambda o: o.family,
    "scope": lambda o: o.scope_right,
    "parameters": lambda o: o.parameters_right,
    "order": lambda o: o.order_right,
    "pairing": lambda o: o.pairing_right,
    "share": lambda o: o.share_right,
    "information": lambda o: o.information_right,
}
Outcomes = Sequence[Outcome]


def tables(runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Each table by its name on the pages, from one run or several of different seeds."""
    outcomes = [Outcome.from_json(row) for run in runs for row in run["outcomes"]]
    return {
        "diagnosis": summary(outcomes, runs),
        "diagnosis-strata": strata(outcomes, runs),
        "diagnosis-nulls": nulls(outcomes),
        "diagnosis-images": by_images(outcomes),
        "diagnosis-strength": by_strength(outcomes),
        "diagnosis-families": by_family(outcomes),
        "diagnosis-confidence": reliability(outcomes),
        "diagnosis-stated": stated_by_kind(outcomes),
        "diagnosis-confusion": confusion(outcomes),
        "diagnosis-wrong": wrong(outcomes),
        "diagnosis-seconds": seconds(outcomes),
        "diagnosis-ranges": ranges(),
    }


def summary(outcomes: Outcomes, runs: Sequence[Mapping[str, Any]]) -> str:
    """README's: the family of each kind of case, and false alarms."""
    rows = []
    for stratum, target in TARGETS.items():
        if rights := [o.family for o in outcomes if o.stratum == stratum]:
            reached = target is None or np.mean(rights) >= target
            asked = DASH if target is None else f"{percent(target, 0)}: {'reached' if reached else 'missed'}"
            rows.append((STRATA[stratum], f"{len(rights):,}", _interval(rights), asked))
    nulls = [o for o in outcomes if o.stratum == "null"]
    unlike = [o for o in nulls if o.pairing == "unpaired"]
    for what, of_kind in (("no shift: false alarms", nulls), ("of these, other pictures in each set", unlike)):
        if of_kind:
            alarms = [bool(o.alarm) for o in of_kind]
            reached = binomtest(sum(alarms), len(alarms)).proportion_ci(0.95, "exact").high <= ALARMS
            asked = (
                f"upper end {percent(ALARMS, 0)}: {'reached' if reached else 'missed'}" if of_kind is nulls else DASH
            )
            rows.append((what, f"{len(alarms):,}", _interval(alarms, "exact"), asked))
    seeds = " and ".join(f"{len(run['outcomes']):,} cases of seed {run['seed']}" for run in runs)
    use = "each used once" if all(run["seed"] >= FIRST_TEST_SEED for run in runs) else "for development"
    note = f"*Right is the family, of two shifts both. {seeds}, {use}.*"
    return markdown(("what", "cases", "right, % [95%]", "target, set before"), rows) + f"\n\n{note}"


def _made(run: Mapping[str, Any]) -> str:
    """What a run drew, and what made it."""
    made = Environment.from_json(run["environment"])
    use = "used once" if run["seed"] >= FIRST_TEST_SEED else "a development seed"
    return (
        f"{len(run['outcomes']):,} cases that were drawn by seed {run['seed']}, {use}; "
        f"commit {made.commit}, {made.processor}; `{run['command']}`."
    )


def strata(outcomes: Outcomes, runs: Sequence[Mapping[str, Any]]) -> str:
    """Everything that is judged, kind by kind; a dash where there is nothing to judge."""
    rows = []
    for stratum in COUNTS:
        of_stratum = [o for o in outcomes if o.stratum == stratum]
        if of_stratum:
            cells = (share(_known(judged(o) for o in of_stratum)) for judged in JUDGED.values())
            rows.append((STRATA[stratum], f"{len(of_stratum):,}", *cells))
    return markdown(("what", "cases", *JUDGED), rows) + "\n\n" + f"*{' '.join(map(_made, runs))}*"


def nulls(outcomes: Outcomes) -> str:
    """False alarms by kind of null, and the upper end of the exact 95% interval."""
    of_nulls = [o for o in outcomes if o.stratum == "null"]
    kinds = {
        "the same images, stored or computed otherwise": lambda o: o.pairing in ("same_order", "reordered"),
        "other images of one source": lambda o: o.pairing == "unpaired" and "drifted" not in o.families,
        "a subset of the reference": lambda o: o.pairing is None,
        "other images, other shares of the classes": lambda o: "drifted" in o.families,
        "all": lambda o: True,
    }
    rows = []
    for kind, holds in kinds.items():
        of_kind = [o for o in of_nulls if holds(o)]
        if of_kind:
            alarms = [bool(o.alarm) for o in of_kind]
            rows.append(
                (kind, f"{len(alarms):,}", str(sum(alarms)), at_most(alarms), share([o.right for o in of_kind]))
            )
    return markdown(("no shift between", "cases", "false alarms", "rate, 95%", "verdict right, %"), rows)


def by_images(outcomes: Outcomes) -> str:
    """Family right by the number of images of the smaller set."""
    rows = []
    kinds = (("paired", "small"), ("compositions", "triples"), ("unpaired",), ("unknown",))
    for low, high in pairwise(IMAGES):
        here = [o for o in outcomes if low <= min(o.images, o.shifted_images) < high + (high == IMAGES[-1])]
        cells = (share([o.family for o in here if o.stratum in kind and _pictured(o)]) for kind in kinds)
        rows.append((f"{low:,} to {high:,}", *cells))
    return markdown(("images", "one shift, partners", "two or three", "no partners", "in no catalogue"), rows)


def by_strength(outcomes: Outcomes) -> str:
    """Family right by the strength of the change."""
    rows = []
    kinds = (("paired", "small"), ("compositions", "triples"), ("unpaired",))
    for low, high in pairwise(STRENGTH):
        here = [o for o in outcomes if o.strength is not None and low <= o.strength < high]
        cells = (share([o.family for o in here if o.stratum in kind and _pictured(o)]) for kind in kinds)
        rows.append((f"{low:g} to {high:g}" if high < np.inf else f"{low:g} and more", *cells))
    return markdown(("strength", "one shift, partners", "two or three", "no partners"), rows)


def by_family(outcomes: Outcomes) -> str:
    """Of single shifts with partners: how often each family is named, and from where on always."""
    rows = []
    for family in (*PICTURE, *SAMPLE):
        here = [o for o in outcomes if o.stratum in ("paired", "small") and o.truth == family]
        if not here:
            continue
        strengths = [o.strength for o in here if o.strength]
        drawn = f"{number(min(strengths), 2)} to {number(max(strengths), 2)}" if strengths else DASH
        missed = ", ".join(f"{number(o.strength, 3)} ({o.images:,})" for o in here if not o.family)
        from_strength = _from(here, lambda o: o.strength) if strengths else DASH
        rows.append(
            (f"`{family}`", share([o.family for o in here]), drawn, from_strength, _from(here, _images), missed)
        )
    columns = (
        "family",
        "named, %",
        "strengths",
        "always from strength",
        "always from images",
        "missed: strength (images)",
    )
    return markdown(columns, rows)


def reliability(outcomes: Outcomes) -> str:
    """What was stated, and how often it was right: family and scope."""
    known = [o for o in outcomes if o.confidence is not None]
    rows = []
    for low, high in pairwise(CONFIDENCE):
        here = [o for o in known if low <= (o.confidence or 0) < high or (high == 1 and o.confidence == 1)]
        if here:
            stated = float(np.mean([o.confidence or 0 for o in here]))
            rows.append(
                (f"{low:.2f} to {high:.2f}", f"{len(here):,}", percent(stated, 1), share([o.right for o in here]))
            )
    return markdown(("confidence", "verdicts", "stated, mean", "right, % [95%]"), rows)


def stated_by_kind(outcomes: Outcomes) -> str:
    """What was stated and how often it was right, by what the verdict is."""
    known = [o for o in outcomes if o.confidence is not None]
    kinds: dict[str, Callable[[Outcome], bool]] = {
        "one shift or two are named": lambda o: o.verdict not in ("unknown", "identity") and o.stratum != "triples",
        "nothing happened": lambda o: o.verdict == "identity",
        "`unknown`": lambda o: o.verdict == "unknown" and o.stratum != "triples",
        "whatever is said of three shifts in a row": lambda o: o.stratum == "triples",
    }
    rows = []
    for kind, holds in kinds.items():
        if here := [o for o in known if holds(o)]:
            stated = float(np.mean([o.confidence or 0 for o in here]))
            rows.append((kind, f"{len(here):,}", percent(stated, 1), _interval([o.right for o in here])))
    return markdown(("verdict", "verdicts", "stated, mean", "right, % [95%]"), rows)


def confusion(outcomes: Outcomes) -> str:
    """Which family was taken for which: single shifts, with and without partners."""
    rows = []
    for stratum in ("paired", "small", "unpaired", "unknown", "left_out", "null"):
        taken = Counter((o.truth, o.verdict) for o in outcomes if o.stratum == stratum and not o.family)
        for (truth, verdict), count in sorted(taken.items(), key=lambda item: (-item[1], item[0])):
            rows.append((STRATA[stratum], f"`{truth}`", f"`{verdict}`", str(count)))
    return markdown(("what", "truth", "verdict", "cases"), rows)


def wrong(outcomes: Outcomes) -> str:
    """Every case whose family or scope is wrong."""
    rows = [
        (f"`{o.case}`", f"`{o.verdict}`", number(o.confidence, 2), " ".join("; ".join(o.wrong).split()) or "failed")
        for o in outcomes
        if not o.right
    ]
    return markdown(("case", "verdict", "confidence", "what is wrong"), rows)


def seconds(outcomes: Outcomes) -> str:
    """How long the diagnoses took, each on one core."""
    rows = []
    for stratum in COUNTS:
        if took := [o.seconds for o in outcomes if o.stratum == stratum]:
            spread = f"{number(np.median(took), 1)} ({number(max(took), 1)})"
            rows.append((STRATA[stratum], number(float(np.mean(took)), 1), spread, number(sum(took) / 60, 0)))
    return markdown(("what", "seconds, mean", "median (slowest)", "minutes in all"), rows)


def ranges() -> str:
    """What strengths are drawn from."""
    rows = []
    for family, drawn in RANGES.items():
        of_family = (f"{name} {r.low:g} to {r.high:g}{' (log)' if r.log else ''}" for name, r in drawn.items())
        rows.append((f"`{family}`", "; ".join(of_family)))
    return markdown(("family", "drawn from"), rows)


def share(rights: Sequence[bool], method: Literal["wilson", "exact"] = "wilson") -> str:
    """The share that is right, its 95% interval, and of how many."""
    return f"{_interval(rights, method)} of {len(rights):,}" if rights else DASH


def _interval(rights: Sequence[bool], method: Literal["wilson", "exact"] = "wilson") -> str:
    ends = binomtest(sum(rights), len(rights)).proportion_ci(0.95, method)
    return f"{points(sum(rights) / len(rights), 1)} [{points(ends.low, 1)}, {points(ends.high, 1)}]"


def at_most(alarms: Sequence[bool]) -> str:
    """The upper end of the exact interval (Clopper and Pearson 1934)."""
    return f"at most {percent(binomtest(sum(alarms), len(alarms)).proportion_ci(0.95, 'exact').high, 2)}"


def _known(judged: Iterable[bool | None]) -> list[bool]:
    return [value for value in judged if value is not None]


def _pictured(outcome: Outcome) -> bool:
    """Whether pictures changed, not only which they are or what they are called."""
    return outcome.truth not in SAMPLE


def _images(outcome: Outcome) -> float:
    return float(outcome.images)


def _from(outcomes: Outcomes, size: Callable[[Outcome], float | None]) -> str:
    """The least size from which on every case was named, and how many these are."""
    known = sorted(((s, o.family) for o in outcomes if (s := size(o)) is not None), reverse=True)
    count = next((i for i, (_, right) in enumerate(known) if not right), len(known))
    if count == 0:
        return DASH
    least = known[count - 1][0]
    return f"{least:,.0f} ({count})" if least >= 10 else f"{number(least, 2)} ({count})"
