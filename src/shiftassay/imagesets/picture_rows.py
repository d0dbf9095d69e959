"""Pictures from files to one array for each set, within a limit of memory.

A row is one picture of each set: of one set, or of two whose pictures belong together.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.common_size import CommonSize, common_size
from shiftassay.imagesets.image_set import Images
from shiftassay.imagesets.limits import FLOAT, SHARE, available_memory
from shiftassay.imagesets.picture import WHITE_OF_BYTES, WHITE_OF_DEEP, Header, Unreadable, read_header, read_picture
from shiftassay.imagesets.picture_source import PictureSource
from shiftassay.progress import Watch
from shiftassay.random_stream import seed_for
from shiftassay.words.lists import first_of, plural
from shiftassay.words.numbers import in_bytes
from shiftassay.words.text import printable

FAULTY = 0.05  # of the pictures: more that can't be read are no accident


@runtime_checkable
class SizeRule(Protocol):
    """Brings pictures of any size to one size, and says how."""

    def apply(self, images: Images, /) -> Float32[np.ndarray, "n c height width"]: ...


OneImage = Float32[np.ndarray, "1 _ _ _"]
"""One image, of a size of its own."""
FindRule = Callable[[Sequence[tuple[OneImage, OneImage]]], SizeRule | None]
"""The rule that made the second of each two pictures from the first; None if there is none."""
RULE_PICTURES = 6  # of different sizes, which are enough to tell a rule


@dataclass(frozen=True)
class Limits:
    """How much of a set is read: pictures, and bytes as float32.

    Beyond, pictures are drawn at random. Where fewer than `fewest` would fit, all are made smaller by a whole factor.
    """

    pictures: int = 50_000
    bytes: int = 1 << 30
    fewest: int = 1


EVERYTHING = Limits()
"""For what is asked of a model, which is to see pictures at their size."""
FOR_DIAGNOSIS = Limits(pictures=2_000, fewest=64)
"""More images than these hardly narrow a diagnosis; fewer would leave some families untold."""


@dataclass(eq=False)
class ReadPictures:
    """Pictures of one set: images, the value that was white, and what there is to say.

    `tried` is how many were looked at, `faults` says of those that can't be read why.
    """

    source: PictureSource
    unit: float = WHITE_OF_BYTES
    images: Float32[np.ndarray, "n c h w"] = field(default_factory=lambda: np.empty((0, 1, 1, 1), np.float32))
    notes: list[str] = field(default_factory=list)
    tried: int = 0
    cropped: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)


def read_rows(
    sources: Sequence[PictureSource],
    places: Sequence[Int64[np.ndarray, "n"]],
    *,
    limits: Limits = EVERYTHING,
    seed: int = 0,
    watch: Watch | None = None,
    to_one_size: bool = False,
    find_rule: FindRule | None = None,
) -> tuple[list[ReadPictures], Int64[np.ndarray, "m"]]:
    """The pictures at these places of each source, and which rows were read.

    A row with a picture that can't be read is left out. Pictures of several sizes are refused, or brought
    `to_one_size`: by the rule that made the second source's pictures, if these have one size and `find_rule` finds it,
    else by a crop. Raises `BadInput`, also where too many can't be read.
    """
    sets = [ReadPictures(source) for source in sources]
    count = len(places[0])
    # In a random order from the start: whatever number fits is then a sample.
    order = np.random.default_rng(seed_for(seed, "pictures")).permutation(count)[: limits.pictures]
    headers = [_headers(one, of[order], watch) for one, of in zip(sets, places, strict=True)]
    order = np.array([row for row in order if all(int(of[row]) in h for of, h in zip(places, headers, strict=True))])
    _check_faults(sets)
    rows = [[h[int(of[row])] for of, h in zip(places, headers, strict=True)] for row in order]
    size = _size(sets, rows, to_one_size)
    rule = _rule(sets, places, order, rows, find_rule, limits) if size.note else None
    if rule is not None:
        size = CommonSize((rows[0][1].size,) * 2, np.ones(len(rows), bool))
    order, rows = order[size.kept], [row for row, kept in zip(rows, size.kept, strict=True) if kept]
    kinds = [_kind(one, [row[place] for row in rows]) for place, one in enumerate(sets)]
    factor, most = _fitting(size, kinds, len(rows), limits)
    drawn = len(order) > most or count > limits.pictures
    order = np.sort(order[:most])
    for one, of, (height, width), channels in zip(sets, places, size.sizes, kinds, strict=True):
        one.images = np.empty((len(order), channels, -(-height // factor), -(-width // factor)), np.float32)
        _decode(one, of[order], factor, watch, rule if one is sets[0] else None)
    broken = {row for one, of in zip(sets, places, strict=True) for row in order if _title(one, of[row]) in one.faults}
    _check_faults(sets)
    kept = np.array([row not in broken for row in order])
    for one in sets:
        one.images = _without(one.images, kept)
        if drawn:
            one.notes.append(
                f"{len(order):,} of {count:,} pictures, drawn by seed {seed} (at most {limits.pictures:,}, and "
                f"{in_bytes(limits.bytes)} in memory)"
            )
        _say(one, factor, limits)
        if size.note:
            one.notes.append(size.note)
            one.cropped = True
    return sets, order[kept]


def _rule(
    sets: Sequence[ReadPictures],
    places: Sequence[Int64[np.ndarray, "n"]],
    order: Int64[np.ndarray, "k"],
    rows: Sequence[Sequence[Header]],
    find: FindRule | None,
    limits: Limits,
) -> SizeRule | None:
    """The rule by which pictures of many sizes became those of one size, told by a few of them."""
    if find is None or len(sets) != 2 or len({row[1].size for row in rows}) > 1:
        return None
    (height, width), channels = rows[0][1].size, max(header.channels for row in rows for header in row)
    if FLOAT * channels * height * width * min(len(rows), limits.fewest) > limits.bytes:
        return None
    first: dict[tuple[int, int], int] = {}
    for place, row in enumerate(rows):
        first.setdefault(row[0].size, place)
    pictures = []
    for place in list(first.values())[:RULE_PICTURES]:
        pair = []
        for one, of, header in zip(sets, places, rows[place], strict=True):
            alone = ReadPictures(one.source, images=np.empty((1, header.channels, *header.size), np.float32))
            _decode(alone, of[order[place : place + 1]], 1, None)
            pair.append(None if alone.faults else alone.images)
        if pair[0] is not None and pair[1] is not None:
            pictures.append((pair[0], pair[1]))
    rule = find(pictures) if pictures else None
    if rule is not None:
        sets[0].notes.append(
            f"pictures of {plural(len(first), 'size')}, each {rule}, as {len(pictures)} of them show that those of "
            f"{printable(sets[1].source.path.name)} were made"
        )
    return rule


def _headers(one: ReadPictures, places: Int64[np.ndarray, "k"], watch: Watch | None) -> dict[int, Header]:
    headers = {}
    wanted = sorted(set(places.tolist()))
    one.tried = len(wanted)
    for number, (place, file) in enumerate(one.source.opened(wanted), 1):
        try:
            headers[place] = read_header(_checked(file))
        except (Unreadable, OSError) as error:
            one.faults[_title(one, place)] = str(error)
        if watch is not None:
            watch("looking at sizes", number, len(wanted))
    return headers


def _title(one: ReadPictures, place: Any) -> str:
    return one.source.titles[int(place)]


def _checked(file: BufferedIOBase | None) -> BufferedIOBase:
    """The file at its beginning. Raises `Unreadable` for one that is missing or empty."""
    if file is None:
        raise Unreadable("can't be opened")
    if not file.read(1):
        raise Unreadable("empty")
    file.seek(0)
    return file


def _check_faults(sets: Sequence[ReadPictures]) -> None:
    for one in sets:
        count = one.tried
        if len(one.faults) > max(1, FAULTY * count) or len(one.faults) == count:
            raise BadInput(
                f"{one.source.path}: {len(one.faults):,} of {plural(count, 'picture')} can't be read: "
                f"{_in_words(one.faults)}. Repair them, or take them out of it."
            )


def _size(sets: Sequence[ReadPictures], rows: Sequence[Sequence[Header]], to_one_size: bool) -> CommonSize:
    sizes = [tuple(header.size for header in row) for row in rows]
    if not to_one_size and len(different := Counter(row[0] for row in sizes)) > 1:
        (height, width), count = different.most_common(1)[0]
        raise BadInput(
            f"{sets[0].source.path}: pictures of {len(different):,} sizes, most often {height} × {width} "
            f"({count:,} of {len(rows):,}). A model takes one size: resize or crop them as it was trained."
        )
    return common_size(sizes)


def _kind(one: ReadPictures, headers: Sequence[Header]) -> int:
    """The number of channels of a set; its unit is set."""
    channels, units = Counter(h.channels for h in headers), Counter(h.unit for h in headers)
    if len(channels) > 1:
        one.notes.append(f"{plural(channels[1], 'picture')} in grey beside {channels[3]:,} in colour, taken as colour")
    if len(units) > 1:
        one.notes.append(
            f"{units[WHITE_OF_DEEP]:,} pictures of 16 bits beside {units[WHITE_OF_BYTES]:,} of 8, each in its own"
        )
    one.unit = min(units)
    return max(channels)


def _fitting(size: CommonSize, channels: Sequence[int], count: int, limits: Limits) -> tuple[int, int]:
    """By what factor pictures are made smaller, and how many then fit."""
    most = limits.bytes
    available = available_memory()
    if available is not None:
        most = min(most, int(SHARE * available) // (2 * len(channels)))
    factor = 1
    while True:
        one = max(
            FLOAT * c * -(-height // factor) * -(-width // factor)
            for (height, width), c in zip(size.sizes, channels, strict=True)
        )
        if one * min(count, limits.fewest) <= most or one <= FLOAT:
            return factor, max(1, most // one)
        factor *= 2


def _decode(
    one: ReadPictures,
    places: Int64[np.ndarray, "k"],
    factor: int,
    watch: Watch | None,
    rule: SizeRule | None = None,
) -> None:
    row_of: dict[int, list[int]] = {}
    for row, place in enumerate(places.tolist()):
        row_of.setdefault(place, []).append(row)
    for number, (place, file) in enumerate(one.source.opened(sorted(row_of)), 1):
        try:
            picture = read_picture(_checked(file), factor)
            if rule is None:
                one.images[row_of[place]] = _to_unit(picture.pixels, one.images.shape[1:])
            else:
                own = (one.images.shape[1], *picture.pixels.shape[:2])
                one.images[row_of[place]] = rule.apply(_to_unit(picture.pixels, own)[None])[0]
            one.done.update(picture.done)
        except (Unreadable, OSError) as error:
            one.faults[_title(one, place)] = str(error)
        if watch is not None:
            watch("reading pictures", number, len(row_of))


def _to_unit(pixels: np.ndarray, shape: tuple[int, ...]) -> Float32[np.ndarray, "c h w"]:
    """The centre of a picture, of this shape (c, h, w), 0 to 1.

    Raises `Unreadable` for a smaller one.
    """
    white = WHITE_OF_BYTES if pixels.dtype == np.uint8 else WHITE_OF_DEEP
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)
    _, height, width = shape
    top, left = (planes.shape[1] - height) // 2, (planes.shape[2] - width) // 2
    if top < 0 or left < 0:
        raise Unreadable("smaller than its header says")
    cropped = planes[:, top : top + height, left : left + width]
    return np.broadcast_to(cropped, shape).astype(np.float32) / np.float32(white)


def _without(images: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The images that are kept, in the memory that they have."""
    places = np.flatnonzero(kept)
    for row, place in enumerate(places):
        if row != place:
            images[row] = images[place]
    return images[: len(places)]


def _say(one: ReadPictures, factor: int, limits: Limits) -> None:
    if factor > 1:
        one.notes.append(
            f"pictures made smaller by {factor} (means of {factor} × {factor} pixels): at full size fewer than "
            f"{limits.fewest} would fit into {in_bytes(limits.bytes)}"
        )
    one.notes += [f"{plural(number, 'picture')} {what}" for what, number in one.done.items()]
    if one.faults:
        one.notes.append(f"{plural(len(one.faults), 'picture')} left out: {_in_words(one.faults)}")


def _in_words(faults: dict[str, str]) -> str:
    return first_of(f"{name} ({why})" for name, why in sorted(faults.items()))
