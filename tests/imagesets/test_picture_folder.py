"""Listing folders: what is a picture, what is a class, what is passed over, and which links are followed."""

import os
from pathlib import Path

import pytest
from PIL import Image
from tests.imagesets.pictures import write_folder

from shiftassay.errors import BadInput
from shiftassay.imagesets.picture_folder import holds_pictures, picture_folder


def test_a_flat_folder_is_in_natural_order(tmp_path):
    source = picture_folder(write_folder(tmp_path, [f"{n}.png" for n in (10, 9, 1)]))
    assert source.titles == ("1.png", "9.png", "10.png")
    assert source.labels is None


def test_folders_are_classes_in_the_order_of_their_numbers(tmp_path):
    source = picture_folder(write_folder(tmp_path, [f"{n}/a.png" for n in range(12)]))
    assert source.classes == tuple(map(str, range(12)))
    assert source.labels is not None
    assert source.labels.tolist() == list(range(12))
    assert source.titles[10] == "10/a.png"
    assert any("torchvision" in note for note in source.notes)


def test_a_class_is_its_uppermost_folder(tmp_path):
    source = picture_folder(write_folder(tmp_path, ["cat/indoors/a.png", "cat/b.png", "dog/c.png"]))
    assert source.classes == ("cat", "dog")
    assert dict(zip(source.titles, source.labels.tolist(), strict=True))["cat/indoors/a.png"] == 0


def test_an_empty_folder_keeps_its_place_among_the_classes(tmp_path):
    write_folder(tmp_path, ["a/x.png", "c/x.png"])
    (tmp_path / "b").mkdir()
    source = picture_folder(tmp_path)
    assert source.classes == ("a", "b", "c")
    assert any("no pictures in b" in note for note in source.notes)


def test_a_folder_of_other_files_is_no_class(tmp_path):
    write_folder(tmp_path, ["a/x.png", "c/x.png"])
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "x.xml").write_text("")
    assert picture_folder(tmp_path).classes == ("a", "c")


def test_folders_beside_pictures_are_no_classes(tmp_path):
    source = picture_folder(write_folder(tmp_path, ["x.png", "more/y.png"]))
    assert source.classes is None
    assert len(source) == 2
    assert any("more" in note for note in source.notes)


def test_the_parts_of_a_data_set_are_no_classes(tmp_path):
    with pytest.raises(BadInput, match="parts of a data set"):
        picture_folder(write_folder(tmp_path, ["train/cat/x.png", "test/cat/y.png"]))


def test_other_files_are_named_and_those_of_systems_passed_over(tmp_path):
    write_folder(tmp_path, ["x.png", ".hidden.png", "__MACOSX/x.png"])
    for name in ("notes.txt", "Thumbs.db", ".DS_Store", "desktop.ini"):
        (tmp_path / name).write_text("")
    source = picture_folder(tmp_path)
    assert source.titles == ("x.png",)
    assert source.notes == ("1 file passed over, no pictures by name: notes.txt",)


@pytest.mark.parametrize(
    ("names", "match"), [([], "It is empty"), (["notes.txt"], "notes.txt"), (["a.parquet"], "Name a file in it")]
)
def test_a_folder_without_pictures_is_refused(tmp_path, names, match):
    for name in names:
        (tmp_path / name).write_text("")
    assert not holds_pictures(tmp_path)
    with pytest.raises(BadInput, match=match):
        picture_folder(tmp_path)


def test_links_are_followed_within_the_folder_only(tmp_path):
    outside = write_folder(tmp_path / "outside", ["secret.png"])
    folder = write_folder(tmp_path / "set", ["x.png"])
    (folder / "inside.png").symlink_to("x.png")
    (folder / "again.png").symlink_to("inside.png")
    (folder / "leaves.png").symlink_to(outside / "secret.png")
    (folder / "around.png").symlink_to("../outside/secret.png")
    (folder / "nowhere.png").symlink_to("absent.png")
    (folder / "folder").symlink_to(outside)
    (folder / "by.png").symlink_to("folder/secret.png")
    source = picture_folder(folder)
    assert source.titles == ("again.png", "inside.png", "x.png")
    [note] = source.notes
    assert note.startswith("5 links not followed")
    assert "leaves.png" in note


def test_a_folder_of_links_that_lead_out_of_it_says_so(tmp_path):
    outside = write_folder(tmp_path / "outside", ["x.png"])
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "x.png").symlink_to(outside / "x.png")
    with pytest.raises(BadInput, match="lead out of the folder"):
        picture_folder(tmp_path / "set")


def test_a_folder_that_is_a_link_itself_is_read(tmp_path):
    folder = write_folder(tmp_path / "set", ["x.png"])
    (folder / "y.png").symlink_to("x.png")
    (tmp_path / "link").symlink_to(folder)
    assert len(picture_folder(tmp_path / "link")) == 2


def test_links_in_a_circle_end(tmp_path):
    folder = write_folder(tmp_path / "set", ["x.png", "deep/y.png"])
    (folder / "deep" / "up").symlink_to("..")
    assert set(picture_folder(folder).titles) == {"x.png", "deep/y.png"}


def test_nothing_is_opened_while_it_is_listed(tmp_path, monkeypatch):
    write_folder(tmp_path, [f"{n}.png" for n in range(5)])

    def refused(*_, **__):
        raise AssertionError("opened")

    monkeypatch.setattr(Image, "open", refused)
    monkeypatch.setattr(Path, "open", refused)
    assert len(picture_folder(tmp_path)) == 5


def test_names_of_any_bytes_are_listed(tmp_path):
    write_folder(tmp_path, ["a.png"])
    (tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b.png"))
    [(_, file)] = picture_folder(tmp_path).opened([0])
    assert file is not None
