"""The picture catalogue: every family of shifts, as the registry has it."""

import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from docs_build.pictures import picture
from shiftassay.diagnosis.wording import INFORMATION
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.family import FAMILIES, NothingToEstimate, Shift

MEASURED = Path(__file__).parents[1] / "docs" / "diagnosis.md"
INTRODUCTION = """# The catalogue of shifts

Every family that a diagnosis knows, made from the code by `make docs`. Each picture shows images before (above) and
after (below): two digits of MNIST and a photograph, with the parameters of the example. `shiftassay shift
FAMILY:parameters IN OUT` makes any of them.

| family | group | what it does |
| --- | --- | --- |
"""


TITLES = {"none": "No shift", "sample": "The sample", "intensity": "Grey values", "framing": "Size"}


def title(group: str) -> str:
    """What a group is called: its name, unless that says little on its own."""
    return TITLES.get(group, group.capitalize())


def groups() -> list[str]:
    """The groups of families, in alphabetical order of their titles."""
    return sorted({family.group for _, family in families()}, key=title)


def families() -> Iterator[tuple[str, type[Shift]]]:
    """Every family by name, but for what is made of several."""
    yield from ((name, FAMILIES[name]) for name in FAMILIES if FAMILIES[name].group != "several")


def pages() -> Iterator[tuple[str, str | bytes]]:
    """Paths and contents: an overview, a page for each group, a picture for each family that has one."""
    sections: dict[str, list[str]] = defaultdict(list)
    overview, measured = INTRODUCTION, measurements(MEASURED.read_text(encoding="utf-8"))
    for name, family in families():
        overview += f"| [`{name}`]({family.group}.md#{name}) | {title(family.group)} | {first_line(family)} |\n"
        image = picture(parse(f"{name}:{family.example}" if family.example else name), name)
        sections[family.group].append(section(name, family, measured.get(name), image is not None))
        if image is not None:
            yield f"catalogue/{name}.png", image
    yield "catalogue/index.md", overview
    for group, texts in sections.items():
        yield f"catalogue/{group}.md", f"# {title(group)}\n\n" + "\n".join(texts)


def section(name: str, family: type[Shift], measured: str | None, has_picture: bool) -> str:
    """A family in words, with its picture."""
    example = parse(f"{name}:{family.example}" if family.example else name)
    written = f"{name}:{family.example}" if family.example else name
    facts = {
        "example": f"`{written}`",
        "its parameters are drawn": " or ".join(
            {"shared": "once for all images", "per_image": "afresh for each"}[s] for s in family.scopes
        ),
        "how its parameters are estimated": how_estimated(family),
        "what it leaves": INFORMATION[example.information],
        "why it hurts": family.why,
        "measured": measured or "no case of the benchmark has it yet",
    }
    rows = "".join(f"| {what} | {text} |\n" for what, text in facts.items())
    shown = f"![{name}: images before, above, and after, below]({name}.png)\n\n" if has_picture else ""
    return f"## {name}\n\n{definition(family)}\n\n{shown}| | |\n| --- | --- |\n{rows}"


def first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def definition(family: type[Shift]) -> str:
    """What a family says of itself; its parameters as a list."""
    text, _, parameters = (inspect.getdoc(family) or "").partition("Parameters:")
    listed = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", parameters, re.MULTILINE)
    items = "".join(f"- `{name}`: {' '.join(what.split())}\n" for name, what in listed)
    return f"{text.strip()}\n\n{items}".strip()


def how_estimated(family: type[Shift]) -> str:
    """In the words of the code that does it."""
    own = next((c.__dict__["estimate"].__func__ for c in family.__mro__ if "estimate" in c.__dict__), None)
    if own is not None and own is not Shift.estimate.__func__:
        return first_line(own) or f"a search of its own, in `families/{Path(inspect.getfile(own)).name}`"
    if not isinstance(family.estimator, NothingToEstimate):
        return first_line(type(family.estimator))
    return "–" if family.parameter_names() else "it has none, and is tried as it is"


def measurements(page: str) -> dict[str, str]:
    """How often each family was named in the benchmark, from the table of docs/diagnosis.md."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|", _table(page), re.MULTILINE)
    return {name: _in_words(named, strengths, strength, images) for name, named, strengths, strength, images in rows}


def _table(page: str) -> str:
    return page.split("<!-- table: diagnosis-families -->")[1].split("<!-- end -->")[0]


def _in_words(named: str, strengths: str, strength: str, images: str) -> str:
    share, _, rest = named.strip().partition(" ")
    said = f"named in {share}% {rest} cases"
    if strengths.strip() != "–":
        said += f", of strengths {strengths.strip()}"
    least = [
        f"{what} {value.split()[0]}"
        for what, value in (("strength", strength), ("a number of images of", images))
        if value.strip() != "–"
    ]
    if least:
        said += f"; always from {' and from '.join(least)} on"
    return f"{said} ([how that was measured](../diagnosis.md))"
