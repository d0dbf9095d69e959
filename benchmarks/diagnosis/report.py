"""Tables for people and data for docs/results: by group and family, confusion, reliability, times."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
from benchmarks.diagnosis.collection import GROUPS

from shiftassay.runs.environment import environment

BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
JUDGED = ("family", "scope", "parameters", "pairing", "share", "information", "order")


def report(records: list[dict[str, Any]], verbose: bool = False) -> str:
    """A table by group and family, then the reliability of the confidence."""
    lines = [f"{'':44}{'n':>4}" + "".join(f"{name[:6]:>8}" for name in JUDGED) + f"{'s':>7}"]
    for group in dict.fromkeys(record["group"] for record in records):
        of_group = [record for record in records if record["group"] == group]
        lines.append(_row(group.upper(), of_group))
        for stratum in dict.fromkeys(record["stratum"] for record in of_group):
            rows = [record for record in of_group if record["stratum"] == stratum]
            # Compositions are as many strata as cases: those that are right go without saying.
            if verbose or "+" not in stratum or not all(r.get("judgement", {}).get("right") for r in rows):
                lines.append(_row("  " + stratum.partition(":")[2], rows))
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
    lines += ["", "to reach"]
    lines += [
        f"  {t['what']:58}{t['measured']:7.3f}  {'≤' if t['at_most'] else '≥'} {t['target']:.3f}"
        for t in targets(records)
    ]
    return "\n".join(lines + (["", "wrong verdicts", *confused] if confused else []))


def results(records: list[dict[str, Any]], command: str) -> dict[str, Any]:
    """Everything, as data."""
    groups = dict.fromkeys(record["group"] for record in records)
    strata = dict.fromkeys(record["stratum"] for record in records)
    return {
        "schema": "shiftassay.diagnosis-benchmark/1",
        "command": command,
        "environment": environment().to_json(),
        "targets": targets(records),
        "all": shares(records),
        "groups": {g: shares([r for r in records if r["group"] == g]) for g in groups},
        "families": {s: shares([r for r in records if r["stratum"] == s]) for s in strata},
        "confusion": confusion(records),
        "reliability": reliability(records),
        "cases": {record["case"]: _plain(record) for record in records},
    }


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is to be reached, beside what was measured; only what these records can say."""
    single = [r for r in records if r["group"] in (*GROUPS, "attack")]
    fashion = [r for r in records if r["group"].removeprefix("fashion-") in GROUPS and r["group"] not in GROUPS]
    sure = [r for r in records if r.get("judgement", {}).get("confidence", 0) >= 0.9]
    families = shares(single)["family"] if single else None
    known = [r for r in single if r.get("judgement", {}).get("family")]
    asked = [
        ("single families: family right", single, "family", 0.97, False),
        ("of these: scope right", known, "scope", 0.98, False),
        ("of these: parameters right", known, "parameters", 0.95, False),
        ("compositions of two: both parts right", _of(records, "compose", 1), "family", 0.85, False),
        ("compositions of three: all parts right", _of(records, "compose", 2), "family", 0.0, False),
        ("unpaired: family right", _of(records, "unpaired"), "family", 0.9, False),
        ("Fashion-MNIST, single families: family right", fashion, "family", (families or 1) - 0.03, False),
        ("a family left out: unknown, or the same in other words", _of(records, "left_out"), "family", 0.9, False),
        ("false alarms", _of(records, "null"), "alarm", 0.01, True),
        ("confidence of 0.9 and more: family and scope right", sure, "right", 0.9, False),
    ]
    return [
        {"what": what, "n": len(of), "measured": _measured(of, name), "target": round(target, 4), "at_most": at_most}
        for what, of, name, target, at_most in asked
        if of and _measured(of, name) is not None
    ]


def _measured(records: list[dict[str, Any]], name: str) -> float | None:
    if name == "alarm":
        return round(1 - shares(records)["family"], 4)
    if name == "right":
        return round(float(np.mean([r["judgement"]["right"] for r in records])), 4)
    return shares(records)[name]


def _of(records: list[dict[str, Any]], group: str, pluses: int | None = None) -> list[dict[str, Any]]:
    return [r for r in records if r["group"] == group and pluses in (None, r["stratum"].count("+"))]


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
        rows.append(
            {
                "from": low,
                "to": high,
                "n": n,
                "confidence": round(float(confidence[here].mean()), 4) if n else None,
                "right": round(float(right[here].mean()), 4) if n else None,
            }
        )
    return rows


def _judged(record: dict[str, Any], name: str) -> bool | None:
    return record["judgement"][name] if "judgement" in record else (False if name == "family" else None)


def _row(name: str, records: list[dict[str, Any]]) -> str:
    values = shares(records)
    cells = "".join(f"{'–' if values[key] is None else f'{100 * values[key]:.0f}%':>8}" for key in JUDGED)
    failed = f"  {values['errors']} failed" if values["errors"] else ""
    return f"{name[:43]:44}{values['n']:4d}{cells}{values['seconds']:7.1f}{failed}"


def _plain(record: dict[str, Any]) -> list[Any]:
    """Verdict, confidence, what is wrong, seconds."""
    judged = record.get("judgement", {"confidence": None, "wrong": ["error"]})
    return [record.get("verdict"), judged["confidence"], "; ".join(judged["wrong"]), round(record["seconds"], 2)]
