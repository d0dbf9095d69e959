"""Strategies of repair, each judged on images that it has not seen. The room is also the function it is named after."""

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    # shiftassay.repair is this module as soon as anything in it is imported, and a function to whoever uses the library.
    def __call__(self, *given: Any, **named: Any) -> Any:
        from shiftassay.repair.repair import repair

        return repair(*given, **named)


sys.modules[__name__].__class__ = _Room
