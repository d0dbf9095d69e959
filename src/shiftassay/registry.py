"""Registries: classes by name, entered by a decorator."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Generic, TypeVar, cast

from shiftassay.errors import unknown_name

T = TypeVar("T")
Class = TypeVar("Class", bound=type)


class Registry(Generic[T]):
    """Entries by name, in alphabetical order, registered by decorators.

    The decorators stand in the files of some packages. Those files are imported when the registry is first used.
    """

    def __init__(self, kind: str, *packages: str):
        self.kind = kind
        self.packages = packages
        self._entries: dict[str, T] = {}
        self._filled = False

    def register(self, name: str) -> Callable[[Class], Class]:
        """A class decorator that enters the class under a name."""

        def enter(cls: Class) -> Class:
            self._entries[name] = cast(T, cls)
            return cls

        return enter

    def __getitem__(self, name: str) -> T:
        """The entry of that name. Raises `BadInput` with the nearest known name."""
        self._fill()
        if name not in self._entries:
            others = {
                word: known for known, entry in self._entries.items() for word in getattr(entry, "also_called", ())
            }
            raise unknown_name(self.kind, name, self._entries, others)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(sorted(self._entries))

    def about(self) -> dict[str, str]:
        """Each name and the first line of what its class says of itself."""
        self._fill()
        return {name: (entry.__doc__ or "").strip().splitlines()[0] for name, entry in sorted(self._entries.items())}

    def _fill(self) -> None:
        if self._filled:
            return
        for name in self.packages:
            package = import_module(name)
            for module in iter_modules([str(Path(str(package.__file__)).parent)]):
                import_module(f"{name}.{module.name}")
        self._filled = True
