"""What a torture ends in: counts that have to be zero, and what they are counted over."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Outcome:
    """`tried` counts cases; the other four have to be 0, and `cases` says which they were.

    lost: the command can't go on, or results that were complete are gone. wrong: the results differ from undisturbed
    ones. wedged: a command hangs. silent: damaged content was used, or left, without a word.
    """

    what: str
    tried: int = 0
    lost: int = 0
    wrong: int = 0
    wedged: int = 0
    silent: int = 0
    more: Counter = field(default_factory=Counter)
    cases: list[str] = field(default_factory=list)

    def fault(self, kind: str, case: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.cases.append(f"{kind}: {case}"[:600])

    @property
    def faults(self) -> int:
        return self.lost + self.wrong + self.wedged + self.silent

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "more": dict(self.more)}

    def __str__(self) -> str:
        more = "".join(f", {count} {name}" for name, count in sorted(self.more.items()))
        counts = f"lost {self.lost}, wrong {self.wrong}, wedged {self.wedged}, silent {self.silent}"
        return "\n  ".join([f"{self.what}: {self.tried} cases, {counts}{more}", *self.cases])
