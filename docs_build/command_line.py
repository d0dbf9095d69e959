"""The reference of the command line, from the parsers themselves."""

import inspect
import re

import typer
from typer.main import get_command

from shiftassay.cli.app import app

INTRODUCTION = """# The command line

Made from the commands' own help. Exit codes: 0; 1 where what was asked for failed; 2 for bad input, with one sentence
on what to do; 130 after an interrupt. `shiftassay VERB --help` says the same in the terminal.

A SET is a file (`.npy`, `.npz`, `.csv`, IDX, Parquet), a folder of pictures, or the name of a data set, such as
`mnist:test` ([more](../usage.md#folders-of-pictures)). A MODEL is the folder of a run, an `.onnx` or `.pt2` file, or
`package.module:factory` ([more](../models.md)).

"""


def page() -> str:
    """Every verb with its example, arguments and options."""
    group = get_command(app)
    context = typer.Context(group, info_name="shiftassay")
    return INTRODUCTION + "\n".join(_verb(name, command, context) for name, command in sorted(group.commands.items()))


def _verb(name: str, command, context: typer.Context) -> str:
    inner = typer.Context(command, info_name=name, parent=context)
    text, _, example = inspect.cleandoc(command.help or "").partition("Example: ")
    usage = " ".join(command.collect_usage_pieces(inner))
    rows = [row for parameter in command.params for row in [_row(parameter, inner)] if row]
    table = "\n".join(("| option | what it is | unless given |", "| --- | --- | --- |", *rows))
    code = " ".join(example.strip("`\n ").split())
    shown = f"```sh\n{code}\n```\n\n" if code else ""
    return f"## {name}\n\n`shiftassay {name} {usage}`\n\n{text.strip()}\n\n{shown}{table}\n"


def _row(parameter, context: typer.Context) -> str:
    record = parameter.get_help_record(context)
    if record is None or parameter.name == "help":
        return ""
    names, text = record[0], parameter.help or ""
    default = parameter.get_default(context, call=False)
    shown = "" if default in (None, False) or callable(default) else f"`{default}`"
    if parameter.required:
        shown = "needed"
    return f"| `{_cell(names)}` | {_cell(text)} | {shown} |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
