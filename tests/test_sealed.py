import json
import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.sealed import (
    Damaged,
    check_file,
    file_digest,
    files_in,
    read_json,
    read_sealed,
    write_json,
    write_sealed,
)

CONTENT = {"a": 1, "b": [1.5, "ä", None], "c": {"d": True}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda name: name != "sha256"), JSON, max_size=4))
def test_what_was_sealed_is_read(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("sealed") / "a.json"
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return  # text that no file can hold
    write_sealed(path, content)
    assert read_sealed(path) == content


def test_any_change_of_a_bit_is_found_unless_it_changes_nothing(tmp_path):
    path = tmp_path / "a.json"
    write_sealed(path, CONTENT)
    sound = path.read_bytes()
    for place in range(len(sound)):
        for bit in range(8):
            path.write_bytes(sound[:place] + bytes([sound[place] ^ (1 << bit)]) + sound[place + 1 :])
            with suppress(Damaged):
                assert read_sealed(path) == CONTENT  # white space of another kind


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"a": 1}', "[" * 5000, "nan", '{"a": NaN}', "\x00", '{"sha256": 3}']
)
def test_anything_else_is_named(content, tmp_path):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(Damaged, match=r"a\.json"):
        read_sealed(tmp_path / "a.json")


def test_what_is_missing_or_a_folder_is_named(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        for read in (read_json, read_sealed, file_digest):
            with pytest.raises(BadInput, match=path.name):
                read(path)


def test_numbers_that_json_has_no_word_for_are_null(tmp_path):
    write_json(tmp_path / "a.json", {"loss": [math.nan, 1.0, (math.inf, float(np.float64("nan")))]})
    assert read_json(tmp_path / "a.json") == {"loss": [None, 1.0, [None, None]]}


def test_a_file_of_other_content_is_named(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    digest = file_digest(tmp_path / "a")
    check_file(tmp_path / "a", digest)
    (tmp_path / "a").write_bytes(b"2")
    with pytest.raises(Damaged, match="SHA-256") as error:
        check_file(tmp_path / "a", digest)
    assert (error.value.path, "damaged" in error.value.what) == (tmp_path / "a", True)


def test_listed_files_are_names_with_digests_or_none():
    assert files_in({"files": {"a.npy": "0f"}, "key": 1}) == {"a.npy": "0f"}
    assert files_in({"key": 1}) == files_in({"files": ["a.npy"]}) == {}
