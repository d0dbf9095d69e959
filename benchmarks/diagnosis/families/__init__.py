"""Cases of single families, a file for each: what a new family brings, found by being here."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from benchmarks.diagnosis.case import Case


def cases() -> Iterator[Case]:
    """Those of every file in this folder."""
    for module in iter_modules(__path__):
        yield from import_module(f"{__name__}.{module.name}").cases()
