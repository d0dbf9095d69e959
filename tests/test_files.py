import os
import stat
import threading
from pathlib import Path

import pytest

from shiftassay.errors import BadInput
from shiftassay.files import PARTIAL, remove, reserve, sweep, write_whole


def test_a_write_brings_the_file_to_the_disk_before_its_name_and_then_the_folder(tmp_path, monkeypatch):
    done, sync, move = [], os.fsync, Path.replace

    def fsync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def replace(path, target):
        done.append("name")
        return move(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_whole(tmp_path / "a", b"1")
    assert done == ["file", "name", "folder"]
    done.clear()
    write_whole(tmp_path / "new" / "newer" / "a", b"1")
    assert done == ["folder", "folder", "file", "name", "folder"]  # each folder that was made, in the one above it


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "file", b"before")
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            owner = os if name == "fsync" else Path
            patch.setattr(owner, name, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(BadInput, match=r"No space left on device.*Make room, then type the same command again"):
                write_whole(path, b"after")
        assert path.read_bytes() == b"before"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_write_leaves_nothing(error, tmp_path, monkeypatch):
    def interrupt(*_):
        raise error

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(error):
        write_whole(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == []


def test_no_two_writers_share_a_partial_file_whatever_their_numbers(tmp_path, monkeypatch):
    """As in two containers on one volume, where process numbers are the same."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    path, contents, wrong = tmp_path / "file", [bytes([letter]) * 200_000 for letter in b"ab"], []
    write_whole(path, contents[0])

    def write(content):
        for _ in range(30):
            write_whole(path, content)

    def read():
        wrong.extend(content for _ in range(200) if (content := path.read_bytes()) not in contents)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_left_is_swept_when_it_is_old(tmp_path):
    old, young, other = (tmp_path / f".{name}{PARTIAL}" for name in ("file.0123", "file.4567", "else.89"))
    for path in (old, young, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (0, 0))
    write_whole(tmp_path / "file", b"content")
    assert sorted(tmp_path.iterdir()) == sorted([young, other, tmp_path / "file"])
    assert set(sweep(tmp_path, older_than=0)) == {young, other}
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("name", ["[a]*?.json", "ä ö", "-", "a" * 200])
def test_any_name_can_be_written_and_swept(name, tmp_path):
    assert write_whole(tmp_path / name, b"x").read_bytes() == b"x"


@pytest.mark.parametrize("path", ["a\0b", "a" * 300, "file/inside"])
def test_a_place_that_can_not_be_is_named(path, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="can't be written"):
        write_whole(tmp_path / path, b"x")


def test_room_that_is_kept_is_free_for_what_is_written_after_it(tmp_path):
    before = os.statvfs(tmp_path).f_bavail
    with reserve(tmp_path / "new", 50_000_000):
        assert os.statvfs(tmp_path).f_bavail < before
        assert list((tmp_path / "new").iterdir()) == []
    write_whole(tmp_path / "new" / "file", b"x")


def test_too_little_room_is_said_before_anything_is_done(tmp_path):
    done = []
    free = os.statvfs(tmp_path)
    with pytest.raises(BadInput, match="no room for"), reserve(tmp_path, 2 * free.f_bavail * free.f_frsize):
        done.append(1)
    assert not done
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="can't be written to"), reserve(tmp_path / "file", 1):
        done.append(1)
    assert not done


def test_removing_what_is_not_there_is_nothing(tmp_path):
    remove(tmp_path / "none")
    remove(write_whole(tmp_path / "a", b""))
    assert list(tmp_path.iterdir()) == []
