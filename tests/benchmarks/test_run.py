"""Runs keep their results, go on where they were, and count what failed as wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.diagnosis import diagnosed, kept, run
from benchmarks.diagnosis.collection import chosen, every_case
from benchmarks.diagnosis.report import report, results

NAMES = [case.name for case in every_case().values()][:3]


@pytest.fixture(autouse=True)
def kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)


def says_invert(case: Any, built: Any, seed: int) -> dict[str, Any]:
    verdict = {
        "family": "invert",
        "parameters": {},
        "scope": "shared",
        "share": 1.0,
        "information": "preserved",
        "confidence": 0.8,
    }
    candidates = [{"family": "invert", "misfit": 0.02}]
    return {"pairing": {"kind": "same_order"}, "verdict": verdict, "candidates": candidates}


def test_a_second_run_reads_what_the_first_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosed, "diagnosed", says_invert)
    first = run.run(NAMES, 20, 0, 1)
    monkeypatch.delattr(diagnosed, "diagnosed")
    assert run.run(NAMES, 20, 0, 1) == first
    data = results(first, "…")
    assert data["families"]["intensity:invert"]["family"] == 1
    assert data["families"]["intensity:gain"]["family"] == 0
    assert data["confusion"]["gain"] == {"invert": 2}
    assert [b["right"] for b in data["reliability"] if b["n"]] == [round(1 / 3, 4)]


def test_a_failure_is_wrong_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(case: Any, built: Any, seed: int) -> dict[str, Any]:
        raise ValueError("no")

    monkeypatch.setattr(diagnosed, "diagnosed", fails)
    records = run.run(NAMES[:1], 20, 0, 1)
    assert results(records, "…")["all"]["family"] == 0
    assert "1 failed" in report(records)


def test_a_sample_holds_every_family_first() -> None:
    sample = chosen([], None, 60, 0)
    assert len(sample) == 60
    assert len({case.stratum for case in sample}) >= 40
    assert [c.name for c in sample] == [c.name for c in chosen([], None, 60, 0)]
    assert np.mean([c in sample for c in chosen(["noise"], None, None, 0)]) < 1
