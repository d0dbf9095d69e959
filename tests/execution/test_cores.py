"""How many cores may be used: by the affinity mask, the control group's quota, and what the environment says."""

import os
from pathlib import Path

import pytest

from shiftassay.execution import cores
from shiftassay.execution.cores import available_cores


@pytest.fixture
def eight_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of eight cores, whose control groups are folders of the test."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "_own_group", lambda: "/outer/inner")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    return tmp_path


def test_without_limits_all_of_the_mask_may_be_used(eight_cores: Path) -> None:
    assert available_cores() == 8


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1), ("nonsense", 8)],
)
@pytest.mark.parametrize("group", ["outer", "outer/inner", "."])
def test_the_quota_of_a_group_or_of_one_around_it_counts(
    eight_cores: Path, group: str, quota: str, expected: int
) -> None:
    (eight_cores / group / "cpu.max").write_text(quota + "\n")
    assert available_cores() == expected


def test_the_first_version_of_control_groups_counts_too(eight_cores: Path) -> None:
    folder = eight_cores / "cpu" / "outer" / "inner"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_period_us").write_text("100000")
    for quota, expected in (("-1", 8), ("300000", 3)):
        (folder / "cpu.cfs_quota_us").write_text(quota)
        assert available_cores() == expected


def test_the_environment_may_ask_for_fewer(eight_cores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for asked, expected in (("3", 3), ("0", 8), ("many", 8), ("16", 8)):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        assert available_cores() == expected
