"""Parquet files with encoded pictures, as Hugging Face's `datasets` writes them."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.labels import to_labels
from shiftassay.imagesets.limits import SHARE, available_memory
from shiftassay.imagesets.natural import natural_order, order_of_classes
from shiftassay.imagesets.picture_source import Opened, PictureSource
from shiftassay.imagesets.split import IMAGE_NAMES, LABEL_NAMES
from shiftassay.imagesets.stream import opened
from shiftassay.words.lists import first_of
from shiftassay.words.numbers import in_bytes
from shiftassay.words.text import short

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ENDINGS = (".parquet", ".pq")
ROWS = 16  # rows that are unpacked at a time
NAMES = (*IMAGE_NAMES, "img", "picture", "photo")


def parquet_file(path: Path) -> PictureSource:
    """The encoded pictures of a Parquet file, in its order.

    They are in a column of structs with `bytes` and `path`, or of bytes. Labels are whole numbers, named by the
    schema's `huggingface` metadata if it has the names, or names of classes. Raises `BadInput`, also where pyarrow is
    not installed.
    """
    with _parquet(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        column, is_struct = _image_column(schema, str(path))
        _check_memory(metadata, str(path))
        names = None
        if is_struct and "path" in [field.name for field in schema.field(column).type]:
            names = file.read([f"{column}.path"]).column(0).combine_chunks().flatten()[-1].to_pylist()
        label_column = next((n for n in schema.names if n.lower() in LABEL_NAMES and n != column), None)
        values = None if label_column is None else file.read([label_column]).column(0).to_pylist()
        class_names = None if label_column is None else _class_names(schema.metadata, label_column)
        rows = metadata.num_rows
    if not rows:
        raise BadInput(f"{path}: no pictures in it.")
    named = names is not None and None not in names and len(set(names)) == rows
    titles = map(str, names) if names is not None and named else (f"row {row}" for row in range(rows))
    labels, classes, notes = _labels(values, class_names, f"{path}: column {label_column!r}")
    where = f"from column {short(label_column)!r}" if labels is not None else ""
    source = PictureSource(path, tuple(titles), _opener(path, column, is_struct), named, labels, classes, where)
    return source.noting(*notes)


@contextmanager
def _parquet(path: Path) -> Iterator["pq.ParquetFile"]:
    """The file, open. Raises `BadInput` for a damaged one."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BadInput(
            f"{path}: to read Parquet, pyarrow is needed. Install it: pip install 'shiftassay[parquet]'."
        ) from None
    with opened(path) as stream:
        try:
            with pyarrow.parquet.ParquetFile(stream, memory_map=False, pre_buffer=False) as file:
                yield file
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(f"{path}: no Parquet file that can be read ({short(error)}). Save it again.") from None


def _image_column(schema: Any, where: str) -> tuple[str, bool]:
    """The column of pictures, and whether it holds structs."""
    import pyarrow

    structs = [
        field.name
        for field in schema
        if pyarrow.types.is_struct(field.type) and "bytes" in [part.name for part in field.type]
    ]
    binary = [f.name for f in schema if pyarrow.types.is_binary(f.type) or pyarrow.types.is_large_binary(f.type)]
    for candidates in (structs, binary):
        known = [name for name in candidates if name.lower() in NAMES]
        if len(known) == 1 or len(candidates) == 1:
            return (known or candidates)[0], candidates is structs
    raise BadInput(
        f"{where}: can't tell which column holds encoded pictures: {first_of(schema.names) or 'none'}. Call it "
        "'image': a column of bytes, or of structs with 'bytes' and 'path'."
    )


def _check_memory(metadata: Any, where: str) -> None:
    """Raise `BadInput` for a row group that takes more memory than there is."""
    largest = max((metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups)), default=0)
    available = available_memory()
    if available is not None and largest > SHARE * available:
        raise BadInput(
            f"{where}: a row group of it takes {in_bytes(largest)}, too much for the memory that is available, which "
            f"is {in_bytes(available)}. Save it in smaller row groups."
        )


def _class_names(metadata: dict[bytes, bytes] | None, column: str) -> tuple[str, ...] | None:
    """The names of classes that `datasets` keeps beside a schema."""
    try:
        feature = json.loads((metadata or {})[b"huggingface"])["info"]["features"][column]
        return tuple(map(str, feature["names"]))
    except (KeyError, TypeError, ValueError):
        return None


def _labels(
    values: list[Any] | None, names: tuple[str, ...] | None, where: str
) -> tuple[np.ndarray | None, tuple[str, ...] | None, tuple[str, ...]]:
    """Labels, the names of their classes, and what there is to say of them."""
    if values is None or all(value is None or value == -1 for value in values):  # as in test sets that hide them
        return None, names, ()
    if all(isinstance(value, str) for value in values):
        classes = tuple(sorted(set(values), key=natural_order))
        number_of = {name: number for number, name in enumerate(classes)}
        return np.array([number_of[value] for value in values], np.int64), classes, tuple(order_of_classes(classes))
    if not all(isinstance(value, int) for value in values):
        raise BadInput(f"{where}: labels are whole numbers or names, one for each picture. Fill the gaps.")
    labels = to_labels(np.array(values), where)
    if names is not None and labels.max() >= len(names):
        raise BadInput(f"{where}: label {labels.max()}, but {len(names)} classes have names. Save the names of all.")
    return labels, names, ()


def _opener(path: Path, column: str, is_struct: bool) -> Callable[[Sequence[int]], Opened]:
    def opened_rows(places: Sequence[int]) -> Opened:
        remaining = iter(places)
        place = next(remaining, None)
        with _parquet(path) as file:
            start = 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                if place is not None and place < end:
                    row = start
                    wanted = f"{column}.bytes" if is_struct else column
                    for batch in file.iter_batches(ROWS, row_groups=[group], columns=[wanted], use_threads=False):
                        while place is not None and place < row + len(batch):
                            value = batch.column(0)[place - row].as_py()
                            content = value["bytes"] if is_struct and value is not None else value
                            yield place, None if content is None else io.BytesIO(content)
                            place = next(remaining, None)
                        row += len(batch)
                start = end

    return opened_rows
