"""Tables of labels by file name."""

import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.name_labels import has_names, read_name_labels


@pytest.fixture
def table(tmp_path):
    def write(text: str, encoding: str = "utf-8"):
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("name", ["file", "filename", "image", "name", "path", "Image"])
@pytest.mark.parametrize("label", ["label", "class", "target"])
def test_columns_go_by_any_usual_name(table, name, label):
    path = table(f"id,{name},{label}\n1,a.png,3\n2,b.png,0\n")
    assert has_names(path)
    assert read_name_labels(path).of(["a.png", "b.png"]).tolist() == [3, 0]


def test_names_of_classes_are_numbered_in_natural_order(table):
    labels = read_name_labels(table("file;label\na.png;10\nb.png;two\n"))
    assert labels.classes == ("10", "two")
    assert labels.of(["a.png", "b.png"]).tolist() == [0, 1]


def test_a_row_may_hold_less_than_the_whole_name(table):
    labels = read_name_labels(table("file,label\nx/a.png,1\nb.png,2\nc,3\n./d\\e.png,4\n", "utf-8-sig"))
    assert labels.of(["x/a.png", "x/b.png", "y/c.jpg", "d/e.png", "z.png"]).tolist() == [1, 2, 3, 4, -1]


def test_quotes_and_line_ends_of_other_systems_are_read(table):
    labels = read_name_labels(table('"file","label"\r\n"a, b.png","1"\r\n'))
    assert labels.of(["a, b.png"]).tolist() == [1]


@pytest.mark.parametrize("text", ["1,2,3\n4,5,6\n", "a,b\nx,y\n", "", "label\n3\n"])
def test_another_table_is_not_taken_for_one(table, text):
    assert not has_names(table(text))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,label\n", "no rows"),
        ("file,label\na.png,1\na.png,2\n", "two labels"),
        ("file,label\na.png\n", "columns"),
        ("file,label\na.png,\n", "no label"),
        ("file,label\na.png,1.5\n", "whole numbers"),
        ("file,label\na.png,-1\n", "whole numbers"),
        ('file,label\n"' + "x" * 200_000 + '",1\n', "not a text file"),
        ("file,label\n\udcff,1\n", "not a text file"),
    ],
)
def test_a_table_that_can_not_be_used_is_refused(tmp_path, text, match):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match=match):
        read_name_labels(path)
