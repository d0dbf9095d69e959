"""A little of every torture; `make torture` has all of it. And that each would find what it looks for."""

import os
import signal

import numpy as np
import pytest
from benchmarks.torture import commands
from benchmarks.torture.commands import WORKLOADS, fingerprint, ready, run
from benchmarks.torture.damage import damages
from benchmarks.torture.disk import can_mount, failing_writes, full_disks
from benchmarks.torture.kills import dying_at, judge, kills, undisturbed
from benchmarks.torture.outcome import Outcome
from benchmarks.torture.power import Disk, can_record, power_cuts
from benchmarks.torture.together import together

from shiftassay.runs import arrays, store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands are forked")


def faultless(outcome):
    assert outcome.tried > 0
    assert outcome.faults == 0, str(outcome)


@pytest.mark.parametrize(("name", "count"), [("train", 4), pytest.param("study", 6, marks=pytest.mark.torture)])
def test_killed_commands_go_on_to_the_results_of_undisturbed_ones(name, count, tmp_path):
    faultless(kills(name, count, tmp_path, seed=5))


def test_a_command_that_finds_the_disk_full_goes_on_when_there_is_room(tmp_path):
    faultless(failing_writes("train", 2, tmp_path, seed=5))


@pytest.mark.skipif(not can_mount(), reason="file systems can't be mounted here")
def test_a_disk_that_is_too_small_loses_nothing(tmp_path):
    faultless(full_disks("train", 2, tmp_path, seed=5))


@pytest.mark.torture
@pytest.mark.skipif(not can_record(), reason="strace is not here, or may not be used")
def test_a_power_cut_leaves_nothing_that_is_used_by_mistake(tmp_path):
    faultless(power_cuts("train", 4, tmp_path, seed=5))


@pytest.mark.torture
@pytest.mark.parametrize("name", ["train", "study"])
def test_two_commands_on_one_store_do_not_harm_each_other(name, tmp_path):
    faultless(together(name, 1, tmp_path, seed=5))


@pytest.mark.parametrize(
    ("name", "every"), [("train", 23), pytest.param("study", 37, marks=pytest.mark.torture), ("variants", 9)]
)
def test_damaged_files_are_named_or_made_again(name, every, tmp_path):
    faultless(damages(name, every, tmp_path, seed=5))


class TestTheTortureItself:
    def test_a_result_that_changed_is_found(self, tmp_path):
        work = WORKLOADS["train"]
        expected, _, _ = undisturbed(work, tmp_path / "a")
        place = ready(work, tmp_path / "b")
        run(work.arguments, place)
        outcome = Outcome("changed")
        judge(outcome, work, place, {**expected, "runs/x": "1"}, "case")
        assert outcome.wrong == 1
        assert outcome.cases == ["wrong: case: runs/x"]

    def test_a_process_dies_in_the_middle_of_a_write(self, tmp_path):
        work = WORKLOADS["train"]
        place = ready(work, tmp_path)
        _, _, steps = undisturbed(work, tmp_path / "undisturbed")
        assert run(work.arguments, place, dying_at(steps // 3)).code == -signal.SIGKILL
        assert not list((place / "out").rglob("model.json"))
        assert run(work.arguments, place).code == 0

    def test_without_checksums_damage_would_be_silent(self, tmp_path, monkeypatch):
        monkeypatch.setattr(store, "check_file", lambda path, digest: None)
        monkeypatch.setattr(arrays, "_digest", lambda arrays, about: "same")
        assert damages("train", 16, tmp_path, seed=5).silent > 0

    def test_what_was_not_brought_to_the_disk_may_be_gone(self):
        disk = Disk("/root")
        disk.does("openat", [b"/root/.a.partial"], None, 'AT_FDCWD, "", O_WRONLY|O_CREAT|O_EXCL, 0666')
        disk.does("write", [b"content"], "/root/.a.partial", '5, "", 7')
        disk.does("rename", [b"/root/.a.partial", b"/root/a"], None, '"", ""')
        states = disk.states(np.random.default_rng(0))
        assert states["sure"] == ({}, set())
        assert states["names"] == ({"/root/a": b""}, set())  # the file that is whole by its name alone
        assert states["all"] == ({"/root/a": b"content"}, set())

    def test_what_was_brought_to_the_disk_stays(self):
        disk = Disk("/root")
        disk.does("openat", [b"/root/.a.partial"], None, 'AT_FDCWD, "", O_WRONLY|O_CREAT|O_EXCL, 0666')
        disk.does("write", [b"content"], "/root/.a.partial", '5, "", 7')
        disk.does("fsync", [], "/root/.a.partial", "5")
        disk.does("rename", [b"/root/.a.partial", b"/root/a"], None, '"", ""')
        assert disk.states(np.random.default_rng(0))["names"] == ({"/root/a": b"content"}, set())
        disk.does("fsync", [], "/root", "6")
        assert disk.states(np.random.default_rng(0))["sure"] == ({"/root/a": b"content"}, set())


def test_times_are_no_results(tmp_path):
    (tmp_path / "a.json").write_text('{"x": 1, "environment": {"seconds": 3}}')
    one = fingerprint(tmp_path)
    (tmp_path / "a.json").write_text('{"environment": {"seconds": 4}, "x": 1}')
    assert fingerprint(tmp_path) == one
    (tmp_path / "a.json").write_text('{"environment": {"seconds": 4}, "x": 2}')
    assert fingerprint(tmp_path) != one
    assert commands.NOT_RESULTS
