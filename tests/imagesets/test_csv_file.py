"""`.csv`: wherever the labels stand and whatever wrote the file, the same images; and errors that name the line."""

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory import in_fresh_process, peak_above_idle

from shiftassay.errors import BadInput
from shiftassay.imagesets.csv_file import read_csv
from shiftassay.imagesets.read import read_image_set


def _text(table: np.ndarray, header: str = "", mark: str = ",", quote: str = "", end: str = "\n") -> str:
    rows = [mark.join(f"{quote}{value:g}{quote}" for value in row) for row in table]
    return end.join(([header] if header else []) + rows) + end


def _write(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_bytes(text.encode())
    return path


NAMES = ",".join(f"pixel{place}" for place in range(784))


@pytest.mark.parametrize("header", ["", "with"])
@pytest.mark.parametrize("place", ["none", "first", "last"])
@pytest.mark.parametrize("style", [{}, {"mark": ";"}, {"mark": "\t"}, {"quote": '"'}, {"end": "\r\n"}])
def test_images_and_labels_are_told_apart(tmp_path: Path, digits, header: str, place: str, style: dict) -> None:
    images, labels = digits[0].reshape(-1, 784).astype(float), digits[1].astype(float)[:, None]
    parts, names = {
        "none": ([images], NAMES),
        "first": ([labels, images], f"label,{NAMES}"),
        "last": ([images, labels], f"{NAMES},Class"),
    }[place]
    names = names.replace(",", style.get("mark", ","))
    raw = read_csv(_write(tmp_path, _text(np.hstack(parts), names if header else "", **style)))
    np.testing.assert_array_equal(raw.values, images)
    if place == "none":
        assert raw.labels is None
    else:
        np.testing.assert_array_equal(raw.labels, labels[:, 0])
        assert "label" in raw.notes[0]


def test_a_named_label_column_is_found_anywhere(tmp_path: Path) -> None:
    raw = read_csv(_write(tmp_path, 'a,b,"Label",c,d\n1,2,7,3,4\n5,6,8,7,8\n'))
    np.testing.assert_array_equal(raw.labels, [7, 8])
    np.testing.assert_array_equal(raw.values, [[1, 2, 3, 4], [5, 6, 7, 8]])


@pytest.mark.parametrize("last", [True, False])
def test_noisy_pixels_are_not_taken_for_labels(tmp_path: Path, last: bool) -> None:
    generator = np.random.default_rng(0)
    pixels, labels = generator.integers(0, 256, (50, 16)).astype(float), np.arange(50.0)[:, None] % 3
    table = np.hstack([pixels, labels] if last else [labels, pixels])
    np.testing.assert_array_equal(read_csv(_write(tmp_path, _text(table))).labels, labels[:, 0])


@pytest.mark.parametrize("first", ["", "id", "ImageId", "Unnamed: 0"])
@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_of_pandas_are_passed_over_and_said(tmp_path: Path, first: str, start: int) -> None:
    table = np.hstack([np.arange(start, start + 3.0)[:, None], np.full((3, 4), 9)])
    raw = read_csv(_write(tmp_path, _text(table, f"{first},0,1,2,3")))
    assert raw.values.shape == (3, 4)
    assert "row numbers" in raw.notes[0]


def test_the_column_numbers_of_pandas_are_no_image(tmp_path: Path) -> None:
    assert read_csv(_write(tmp_path, "0,1,2,3\n9,9,9,9\n")).values.tolist() == [[9, 9, 9, 9]]


@pytest.mark.parametrize(
    "text", ["\ufeff1,2\n3,4", "1,2\n3,4\n\n\n", "\n\n1,2\n3,4\n", "# by me\n1,2\n3,4\n", "1, 2\r\n3 ,4\r\n"]
)
def test_byte_marks_blank_lines_and_comments_do_not_matter(tmp_path: Path, text: str) -> None:
    assert read_csv(_write(tmp_path, text)).values.tolist() == [[1, 2], [3, 4]]


def test_a_reference_tells_the_label_column_where_a_square_does_not(tmp_path: Path) -> None:
    table = np.hstack([np.arange(4.0)[:, None], np.full((4, 12), 0.5)])
    path = _write(tmp_path, _text(table))
    assert read_csv(path).labels is None
    assert read_csv(path, pixels=12).labels.tolist() == [0, 1, 2, 3]
    assert read_csv(path, pixels=13).labels is None


def test_one_row_may_have_a_label(tmp_path: Path) -> None:
    raw = read_csv(_write(tmp_path, "7" + ",0.5" * 9 + "\n"))
    assert raw.labels.tolist() == [7]
    assert raw.values.shape == (1, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows of numbers"),
        ("\n\n", "no rows of numbers"),
        ("label,a,b\n", "no rows of numbers"),
        ("1,2,3\n4,5\n", "line 2 has 2 values, the lines before it 3"),
        ("a,b,c\n1,2,3\n\n4,5,6,7\n", "line 4 has 4 values"),
        ("a,b\n1,2,3\n", "line 2 has 3 values|names 2 columns"),
        ("1,2\n3,four\n", "line 2 holds 'four'"),
        ("1,2\n3,\n", "line 2 holds ''"),
        ("<html>\n<body>\n", "line 2 holds '<body>'"),
        ("1,2\n3,\x00\n", "line 2 holds"),
    ],
)
def test_errors_name_the_line_and_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as error:
        read_csv(_write(tmp_path, text))
    assert "a.csv" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1," * 5_000_000, "line 1 has 5,000,001 values; at most 524,288 are read"),
        ("1,2\n" + ";" * 5_000_000 + "," * 5_000_000, "line 2 has 5,000,001 values"),
        ("1" * 10_000_000, "1 of 1 images hold NaN or infinity"),
        ("a" * 10_000_000, "no rows"),
        ("1,2\n" + "a" * 10_000_000, "line 2 has 1 values"),
        ("1,2\n3," + " " * 17_000_000 + "4", "line 2 has more than 16,777,216 characters"),
    ],
    ids=["columns", "columns later", "digits", "letters", "letters later", "blanks"],
)
def test_endless_lines_are_refused_soon_and_in_little_memory(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    begun = time.process_time()
    with pytest.raises(BadInput, match=message) as error:
        read_image_set(path)
    assert time.process_time() - begun < 2
    assert len(str(error.value)) < 700
    assert in_fresh_process("tests.imagesets.test_csv_file:_peak", str(path)) < 150 << 20


def _peak(path: str) -> int:
    def read() -> None:
        with suppress(BadInput):
            read_csv(Path(path))

    return peak_above_idle(read)[1]


def test_a_large_file_is_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftassay.imagesets.csv_file.CHUNK", 100)
    table = np.random.default_rng(0).integers(0, 256, (500, 17)).astype(float)
    table[:, 5] = np.arange(500) % 10
    names = [f"p{place}" for place in range(17)]
    names[5] = "label"
    raw = read_csv(_write(tmp_path, "# a comment\n" + _text(table, ",".join(names))))
    np.testing.assert_array_equal(raw.values, np.delete(table, 5, axis=1))
    np.testing.assert_array_equal(raw.labels, table[:, 5])
    with pytest.raises(BadInput, match="line 301 has 1 values, the lines before it 2"):
        read_csv(_write(tmp_path, "1,2\n" * 300 + "3\n"))
    with pytest.raises(BadInput, match="line 301 has 3 values, the lines before it 2"):
        read_csv(_write(tmp_path, "1,2\n" * 300 + "3,4,5\n" * 300))


def test_a_corner_that_takes_every_value_is_not_taken_for_labels(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (3000, 16)).astype(float)
    table = np.hstack([np.arange(3000.0)[:, None] % 10, pixels])
    np.testing.assert_array_equal(read_csv(_write(tmp_path, _text(table))).labels, table[:, 0])


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(BadInput, match="not a text file"):
        read_csv(tmp_path / "a.csv")


@given(st.text(st.sampled_from('0123456789.,;\n\r\t "-#eaN\x00'), max_size=60))
def test_any_text_is_numbers_or_bad_input(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = _write(tmp_path_factory.getbasetemp(), text)
    try:
        raw = read_csv(path)
    except BadInput:
        return
    assert raw.values.ndim == 2
    assert raw.values.dtype == np.float64
