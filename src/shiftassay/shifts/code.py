"""Shifts as Python to paste: their undo, and the shift itself as a step of training."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

import numpy as np

from shiftassay.shifts.parameters import Choice, Uniform, is_drawn

WIDTH = 96
UNDO = {
    "images": "Undo the shift of images (n, h, w) or (n, h, w, c): floats, black 0 and white 1.",
    "labels": "Undo the shift of labels: whole numbers (n,).",
}
AUGMENT = "Make the shift on images (n, c, h, w): floats, black 0 and white 1."


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

    instead: ClassVar[str] = "It can't be undone: train with it, drawn afresh for each image"
    """What to do where it can't be undone, as a sentence without its full stop."""
    paste_at: ClassVar[str] = "Undo it in front of the model"
    """Where its undo belongs, as a sentence without its full stop."""

    def undo_steps(self) -> Steps | None:
        """Statements that undo it, where it is one shift for all images and its parameters are known.

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
        return _called(shift)

    @property
    def advice(self) -> str:
        """What to do about it, in one or two sentences."""
        if self.undo_code is None:
            return f"{self.instead}."
        lost = cast(Any, self).information != "preserved"
        return f"{self.paste_at}." + (" What was lost does not come back: measure what is left." if lost else "")


def in_a_row(steps: Iterable[Steps | None]) -> Steps | None:
    """Steps one after the other; None if one of them is missing."""
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
    """A function of what the steps change, below the imports that it needs.

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
    return "\n\n\n".join(
        part
        for part in (
            "\n".join(sorted(imports, key=lambda line: (line.startswith("from"), line))),
            *functions,
            "\n".join(own),
        )
        if part
    )


MODULES = {"np": "import numpy as np", "torch": "import torch"}


def literal(values: Any) -> str:
    """A number, or nested lists of numbers, as Python, to seven digits.

    >>> literal(15.0), literal(((1, 0.25), (1 / 3, 2)))
    ('15', '[[1, 0.25], [0.3333333, 2]]')
    """
    if isinstance(values, bool | str):
        return repr(values)
    if isinstance(values, int | np.integer):
        return str(values)
    if isinstance(values, float | np.floating):
        return f"{values:.7g}"
    text = f"[{', '.join(map(literal, values))}]"
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False) if len(text) > WIDTH else text


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


def _called(shift: Any) -> str:
    """The shift as Shiftassay makes it, from its JSON."""
    content = shift.to_json()
    parameters = ", ".join(f"{name!r}: {_value(value)}" for name, value in content["parameters"].items())
    made = f'{{"family": {content["family"]!r}, "parameters": {{{parameters}}}, "scope": {content["scope"]!r}}}'
    return (
        "import numpy as np\n"
        "from shiftassay.shifts.catalog import from_json\n\n"
        f"SHIFT = from_json({made})\n\n\n"
        "def augment(images, rng):\n"
        f'    """{AUGMENT} rng is np.random.default_rng(seed)."""\n'
        "    return SHIFT.apply(np.asarray(images, np.float32), rng)"
    )


def _value(value: Any) -> str:
    """A parameter's JSON as Python."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_value(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, list | tuple):
        return (
            f"[{', '.join(map(_value, value))}]" if any(isinstance(v, dict | list) for v in value) else literal(value)
        )
    return literal(value) if isinstance(value, float) else repr(value)
