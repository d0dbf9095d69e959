"""Every number of some pages against some results: what is wrong, and what has no source."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks.claimed import diagnosis, example, machine, shifted, spatial
from benchmarks.claimed.definitions import DEFINITIONS
from benchmarks.claimed.lines import Json, Line, faults
from benchmarks.claimed.reading import numbers, read, without
from benchmarks.claimed.sentences import SENTENCES

DRAWN = "diagnosis-drawn"
LISTED, BEFORE = "diagnosis-listed", "diagnosis-listed-before"
TABLES: dict[str, tuple[str, Callable[[Json], list[Line]]]] = {
    "example": ("example", example.example),
    "model": ("shifted-test-sets", shifted.model),
    "variants": ("shifted-test-sets", shifted.variants),
    "answers": ("shifted-test-sets", shifted.answers),
    "one-for-all": ("shifted-test-sets", shifted.one_for_all),
    "variants-2": ("shifted-test-sets-2", shifted.variants),
    "spatial": ("spatial-attention", spatial.spatial),
    "diagnosis": (DRAWN, diagnosis.summary),
    "diagnosis-strata": (DRAWN, diagnosis.strata),
    "diagnosis-nulls": (DRAWN, diagnosis.nulls),
    "diagnosis-images": (DRAWN, diagnosis.by_images),
    "diagnosis-strength": (DRAWN, diagnosis.by_strength),
    "diagnosis-families": (DRAWN, diagnosis.by_family),
    "diagnosis-confidence": (DRAWN, diagnosis.confidence),
    "diagnosis-stated": (DRAWN, diagnosis.stated),
    "diagnosis-confusion": (DRAWN, diagnosis.confusion),
    "diagnosis-wrong": (DRAWN, diagnosis.wrong),
    "diagnosis-seconds": (DRAWN, diagnosis.seconds),
    "diagnosis-ranges": (DRAWN, diagnosis.ranges),
    "diagnosis-listed": (LISTED, diagnosis.listed),
    "diagnosis-changes": (BEFORE, diagnosis.changes),
    "diagnosis-speed": ("diagnosis-speed", diagnosis.speed),
    "speed": ("speed-cpu", machine.speed),
    "members": ("speed-cpu", machine.members),
    "paths": ("paths", machine.paths),
    "startup": ("startup", machine.startup),
    "torture": ("torture", machine.torture),
    "interrupts": ("interrupts", machine.interrupts),
    "pairing": ("pairing", machine.pairing),
    "coverage": ("coverage", machine.coverage),
    "permutations": ("permutations", machine.permutations),
    "type-one-errors": ("type-one-errors", machine.type_one_errors),
}
"""By its name on the pages, each table's file in docs/results, and how its numbers are worked out."""


def problems(pages: Mapping[str, str], results: Mapping[str, Json]) -> Iterator[str]:
    """What is wrong on the pages, by their names: a number that differs or has no source, or an entry without use."""
    tables = set[str]()
    for name, text in pages.items():
        page = read(text)
        tables |= set(page.tables)
        found = [problem for table, lines in page.tables.items() for problem in table_problems(table, lines, results)]
        found += prose_problems(name, page.prose, results)
        yield from (f"{name}: {problem}" for problem in found)
    yield from (f"no page has the table {table}" for table in TABLES if table not in tables)
    yield from (f"there is no page {name}" for name in (*SENTENCES, *DEFINITIONS) if name not in pages)


def table_problems(name: str, lines: list[str], results: Mapping[str, Json]) -> Iterator[str]:
    """What is wrong in one table."""
    if name not in TABLES:
        yield f"table {name} has no source"
        return
    file, recompute = TABLES[name]
    yield from (f"table {name}, {file}.json: {fault}" for fault in faults(lines, recompute(source(file, results))))


def source(file: str, results: Mapping[str, Json]) -> Json:
    """A file's results; of the drawn cases, which several runs may have, their outcomes in a row.

    Of an earlier run, with the later one.
    """
    if file == BEFORE:
        return {"before": results[BEFORE]["cases"], "now": results[LISTED]["cases"]}
    if file != DRAWN:
        return results[file]
    runs = [results[name] for name in sorted(results) if name.startswith(DRAWN)]
    return {"runs": runs, "outcomes": [case for run in runs for case in run["outcomes"]]}


def prose_problems(name: str, prose: str, results: Mapping[str, Json]) -> Iterator[str]:
    """What is wrong in the text of a page."""
    sentences = SENTENCES[name](results) if name in SENTENCES else []
    phrases = [phrase for phrases in DEFINITIONS.get(name, {}).values() for phrase in phrases]
    yield from (f"recomputed, but not there: {sentence}" for sentence in sentences if sentence not in prose)
    yield from (f"a definition that is not there: {phrase}" for phrase in phrases if without(prose, [phrase]) == prose)
    rest = without(prose, [*sentences, *phrases])
    for number in numbers(rest):
        yield f"{number[0]} has no source in: … {rest[max(0, number.start() - 60) : number.end() + 30]} …"
