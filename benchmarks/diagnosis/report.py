"""Tables for people and data for docs/results: by group and family, confusion, reliability, times."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np

from shiftassay.runs.environment import environment

BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
JUDGED = ("family", "scope", "parameters", "pairing", "share", "information", "order")


def report(records: list[dict[str, Any]], verbose: bool = False) -> str:
    """A table by group and family, then the reliability of the confidence."""
    lines = [f"{'':44}{'n':>4}" + "".join(f"{name[:6]:>8}" for name in JUDGED) + f"{'s':>7}"]
    for group in dict.fromkeys(record["group"] for record in records):
        of_group = [record for record in records if record["group"] == group]
        lines.append(_row(group.upper(), of_group))
        strata = dict.fromkeys(record["stratum"] for record in of_group)
        lines += [_row("  " + s.partition(":")[2], [r for r in of_group if r["stratum"] == s]) for s in strata]
    lines.append(_row("ALL", records))
    lines += ["", "confidence      n   mean  right"]
    lines += [
        f"{b['from']:.2f} … {b['to']:.2f}{b['n']:5d}{b['confidence']:7.2f}{b['right']:7.2f}"
        for b in reliability(records)
        if b["n"]
    ]
    confused = [
        f"  {truth} → {', '.join(f'{v} ({n})' for v, n in sorted(row.items(), key=lambda x: -x[1]) if v != truth)}"
        for truth, row in confusion(records).items()
        if set(row) != {truth}
    ]
    return "\n".join(lines + (["", "wrong verdicts", *confused] if confused else []))


def results(records: list[dict[str, Any]], command: str) -> dict[str, Any]:
    """Everything, as data."""
    groups = dict.fromkeys(record["group"] for record in records)
    strata = dict.fromkeys(record["stratum"] for record in records)
    return {
        "schema": "shiftassay.diagnosis-benchmark/1",
        "command": command,
        "environment": environment(),
        "all": shares(records),
        "groups": {g: shares([r for r in records if r["group"] == g]) for g in groups},
        "families": {s: shares([r for r in records if r["stratum"] == s]) for s in strata},
        "confusion": confusion(records),
        "reliability": reliability(records),
        "cases": [_plain(record) for record in records],
    }


def shares(records: list[dict[str, Any]]) -> dict[str, Any]:
    """How many cases, and of those where there is something to judge, the share that is right; a failure is wrong."""
    judged = {name: [_judged(r, name) for r in records] for name in JUDGED}
    known = {name: [v for v in values if v is not None] for name, values in judged.items()}
    return {
        "n": len(records),
        **{name: round(float(np.mean(values)), 4) if values else None for name, values in known.items()},
        "seconds": round(float(np.mean([r["seconds"] for r in records])), 2),
        "errors": sum("error" in r for r in records),
    }


def confusion(records: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Truth, then verdict, then how often; without the leave-one-out cases, whose truth can't be said."""
    table: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for record in records:
        if record["group"] != "left_out":
            table[record["truth"]][record.get("verdict", "error")] += 1
    return {truth: dict(row) for truth, row in table.items()}


def reliability(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In bins of confidence: how many verdicts, their mean confidence, and the share with family and scope right."""
    judged = [r["judgement"] for r in records if "judgement" in r]
    confidence = np.array([j["confidence"] for j in judged])
    right = np.array([j["right"] for j in judged])
    which = np.clip(np.digitize(confidence, BINS) - 1, 0, len(BINS) - 2)
    rows = []
    for i, (low, high) in enumerate(pairwise(BINS)):
        here = which == i
        n = int(here.sum())
        rows.append({
            "from": low, "to": high, "n": n,
            "confidence": round(float(confidence[here].mean()), 4) if n else None,
            "right": round(float(right[here].mean()), 4) if n else None,
        })  # fmt: skip
    return rows


def _judged(record: dict[str, Any], name: str) -> bool | None:
    return record["judgement"][name] if "judgement" in record else (False if name == "family" else None)


def _row(name: str, records: list[dict[str, Any]]) -> str:
    values = shares(records)
    cells = "".join(f"{'–' if values[key] is None else f'{100 * values[key]:.0f}%':>8}" for key in JUDGED)
    failed = f"  {values['errors']} failed" if values["errors"] else ""
    return f"{name[:43]:44}{values['n']:4d}{cells}{values['seconds']:7.1f}{failed}"


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 2) if key == "seconds" else value for key, value in record.items()}
