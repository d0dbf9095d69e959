"""How a command ends: its exit code, and one sentence on stderr for whatever went wrong."""

import os
import traceback
import warnings
from pathlib import Path

from shiftassay import interrupts
from shiftassay.cli.places import release_all
from shiftassay.cli.terminal import OutputError, hang_up, say, tolerant
from shiftassay.errors import BadInput, NotDone
from shiftassay.words.text import printable, shortened

FAILED, BAD_INPUT = 1, 2
_HERE = Path(__file__).parents[1]
TRACEBACK = "SHIFTASSAY_TRACEBACK"  # set to 1, an unexpected error ends with Python's traceback too


def run_command_line() -> int:
    """Run the command in `sys.argv`; return its exit code."""
    from shiftassay.cli.app import app

    tolerant()
    warnings.showwarning = lambda message, *_, **__: say(f"shiftassay: {message}", error=True)
    try:
        # Else Typer ends the process itself: without a word where a pipe was closed, and with names as the terminal
        # takes them.
        code = app(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return interrupts.EXIT_CODE
    except (Exception, SystemExit) as error:
        code, sentence = ending(error)
        if code is FAILED and os.environ.get(TRACEBACK) == "1":
            traceback.print_exception(error)
        if sentence:
            say(f"shiftassay: {printable(sentence)}", error=True)
        return code
    finally:
        release_all()


def ending(error: BaseException) -> tuple[int, str]:
    """The exit code and the sentence that an error ends a command with."""
    failure = _output_failure(error)
    if failure:
        hang_up()
        return FAILED, f"what was to be said could not be written ({failure})."
    if isinstance(error, BadInput):
        return BAD_INPUT, str(error)
    if isinstance(error, NotDone):
        return FAILED, str(error)
    if hasattr(error, "format_message"):  # Typer's own: how the command was called
        return BAD_INPUT, _usage(error)
    if _of_memory(error):
        return FAILED, "there is not enough memory for this. Give fewer or smaller images, or free some memory."
    if isinstance(error, OSError) and error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        return (
            BAD_INPUT,
            f"{name}: can't be read or written ({error.strerror}). Check that it is there and may be used.",
        )
    return FAILED, _own_fault(error)


def _output_failure(error: BaseException) -> str:
    """Why stdout could not be written to, if the error comes from that; else nothing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OutputError):
            return str(cause)
        if isinstance(cause, BrokenPipeError) or (
            isinstance(cause, OSError) and cause.filename is None and _on_stdout(cause)
        ):
            return str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return ""


def _on_stdout(error: OSError) -> bool:
    """Whether the error arose while Rich or Typer wrote, which write nowhere else."""
    return any(
        Path(frame.filename).parent.name in {"rich", "_click", "click", "typer"}
        for frame in traceback.extract_tb(error.__traceback__)[-3:]
    )


def _usage(error: BaseException) -> str:
    """What was wrong with the command's arguments.

    Nothing if there were none: then help is shown instead.
    """
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        say(context.get_help())
        return ""
    path = "shiftassay" + (f" {context.info_name}" if context is not None and context.parent is not None else "")
    message = str(getattr(error, "format_message", str)()).strip()
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} See '{path} --help'."


def _of_memory(error: BaseException) -> bool:
    """NumPy raises `MemoryError`; PyTorch a `RuntimeError` that says so."""
    if isinstance(error, MemoryError):
        return True
    message = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        sign in message for sign in ("can't allocate memory", "not enough memory", "out of memory")
    )


def _own_fault(error: BaseException) -> str:
    """The sentence for an unforeseen error: where it arose, so that it can be reported."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)]
    where = f" ({Path(ours[-1].filename).relative_to(_HERE).as_posix()}:{ours[-1].lineno})" if ours else ""
    message = shortened(printable(str(error)), 500)
    return (
        "this is a fault of Shiftassay's own, not of what you gave: "
        f"{type(error).__name__}{': ' * bool(message)}{message}{where}. "
        f"Please report it; {TRACEBACK}=1 shows where it arose."
    )
