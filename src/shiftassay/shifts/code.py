"""Shifts as Python to paste: their undo, and the shift itself as a step of training."""

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

import numpy as np

from shiftassay.shifts.parameters import Choice, Uniform, is_drawn

WIDTH = 60  # of a list beside what it is given to; longer ones stand on lines of their own
LINE = 88
UNDO = {
    "images": "Undo the shift: images (n, h, w[, c]), black 0.0 to white 1.0.",
    "labels": "Undo the shift of labels: whole numbers (n,).",
}
AUGMENT = "Make the shift: images (n, c, h, w), black 0.0 to white 1.0."


@dataclass(frozen=True)
class Steps:
    """Python statements that change `of`, and the imports and functions that they need.

    `of` is `images`, an array of floats `(n, h, w)` or `(n, h, w, c)` with black 0 and white 1, or `labels`.
    """

    statements: str
    needs: tuple[str, ...] = ()
    of: str = "images"


class InCode:
    """What a family says of itself for those who have to act: code to paste, and advice."""

    instead: ClassVar[str] = "It can't be undone: train on images that have it"
    """What to do where it can't be undone, as a sentence without its full stop."""
    paste_at: ClassVar[str] = "Undo it in front of the model"
    """Where its undo belongs, as a sentence without its full stop."""

    def undo_steps(self) -> Steps | None:
        """Statements that undo it, asked for where its parameters are known and the same for all.

        None if nothing can undo it. They may use NumPy, SciPy and Pillow.
        """
        return None

    def training_steps(self) -> Steps | None:
        """Statements that make it afresh on a float tensor `(n, c, h, w)` with PyTorch alone.

        None where that takes more than a line or two: then `training_code` calls Shiftassay.
        """
        return None

    @property
    def known_undo(self) -> Steps | None:
        """`undo_steps` where nothing is drawn."""
        drawn = any(is_drawn(getattr(self, field.name)) for field in fields(cast(Any, self)))
        return None if drawn or getattr(self, "scope", None) == "per_image" else self.undo_steps()

    @property
    def undo_code(self) -> str | None:
        """Python to paste: a function `undo` of images, or of labels where these were shifted.

        None where it can't be undone, or was drawn for each image.
        """
        steps = self.known_undo
        return None if steps is None else as_function("undo", steps, UNDO[steps.of])

    @property
    def training_code(self) -> str | None:
        """Python to paste: a function `augment` of a batch that makes the shift on it.

        None for attacks, which need the model, and for shifts of samples and labels.
        """
        steps = self.training_steps()
        if steps is not None:
            return as_function("augment", steps, AUGMENT)
        shift = cast(Any, self)
        if shift.needs_model or shift.group in ("none", "sample"):
            return None
        return _augmented(shift)

    @property
    def advice(self) -> str:
        """What to do about it, in one or two sentences."""
        if self.undo_code is None:
            return f"{self.instead}."
        lost = cast(Any, self).information != "preserved"
        return f"{self.paste_at}." + (
            " What it destroyed stays lost: `repair` measures what that costs." if lost else ""
        )


def in_a_row(steps: Iterable[Steps | None]) -> Steps | None:
    """Steps one after the other; None if one of them is missing, or there are none."""
    every = list(steps)
    known = [step for step in every if step is not None]
    if len(known) < len(every):
        return None
    of = {step.of for step in known}
    if len(of) != 1:
        return None
    needs = dict.fromkeys(need for step in known for need in step.needs)
    return Steps("\n".join(filter(None, (step.statements for step in known))), tuple(needs), of.pop())


def as_function(name: str, steps: Steps, sentence: str) -> str:
    """A function of what the steps change, below the imports and above the functions that it needs.

    >>> print(as_function("undo", Steps("images = np.clip(1 - images, 0, 1)"), "Undo it."))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def undo(images):
        \"\"\"Undo it.\"\"\"
        images = np.clip(1 - images, 0, 1)
        return images
    """
    imports = {need for need in steps.needs if need.startswith(("import ", "from "))}
    functions = [need for need in steps.needs if need not in imports]
    text = "\n".join([steps.statements, *functions])
    imports |= {line for module, line in MODULES.items() if f"{module}." in text}
    body = textwrap.indent(steps.statements, "    ")
    own = [f'def {name}({steps.of}):\n    """{sentence}"""', *([body] if body else []), f"    return {steps.of}"]
    ordered = sorted(imports, key=lambda line: (line.startswith("from"), line))
    return "\n\n\n".join(filter(None, ("\n".join(ordered), "\n".join(own), *functions)))


MODULES = {"np": "import numpy as np", "torch": "import torch"}


def literal(value: Any) -> str:
    """A number, text, or nested lists and mappings of these, as Python; numbers to seven digits.

    >>> literal(15.0), literal(((1, 0.25), (1 / 3, 2)))
    ('15', '[[1, 0.25], [0.3333333, 2]]')
    """
    text = _on_one_line(value)
    if len(text) <= WIDTH or text[0] not in "[{":
        return text
    lines = textwrap.wrap(text[1:-1], LINE, break_long_words=False, break_on_hyphens=False)
    return "\n".join([text[0], *(f"    {line}" for line in lines), text[-1]])


def _on_one_line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_on_one_line(key)}: {_on_one_line(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple | np.ndarray):
        return f"[{', '.join(map(_on_one_line, value))}]"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, float | np.floating):
        return f"{value:.7g}"
    return str(value)


def operand(value: Any) -> str:
    """A number as Python to add or subtract.

    >>> operand(0.5), operand(-0.5)
    ('0.5', '(-0.5)')
    """
    return f"({literal(value)})" if value < 0 else literal(value)


def drawn_in_torch(value: Any) -> str:
    """A strength as PyTorch draws it for each image of a batch; the number itself if it is one."""
    if isinstance(value, Uniform):
        return (
            f"torch.empty(len(images), 1, 1, 1, device=images.device)"
            f".uniform_({literal(value.low)}, {literal(value.high)})"
        )
    if isinstance(value, Choice):
        few = f"torch.tensor({literal(value.values)}, device=images.device)"
        return f"{few}[torch.randint({len(value.values)}, (len(images), 1, 1, 1))]"
    return literal(value)


def _augmented(shift: Any) -> str:
    return (
        "import numpy as np\n\n"
        "from shiftassay.shifts.catalog import from_json\n\n"
        f"SHIFT = from_json({literal(shift.to_json())})\n\n\n"
        "def augment(images, rng):\n"
        f'    """{AUGMENT} rng is np.random.default_rng(seed)."""\n'
        "    return SHIFT.apply(np.asarray(images, np.float32), rng)"
    )
