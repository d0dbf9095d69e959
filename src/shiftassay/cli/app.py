"""The verbs: one thin module for each.

What a verb does is a library call, imported when it runs.
"""

from typing import Annotated

import typer

from shiftassay.cli.audit import audit
from shiftassay.cli.check import check
from shiftassay.cli.compare import compare
from shiftassay.cli.diagnose import diagnose
from shiftassay.cli.evaluate import evaluate
from shiftassay.cli.export import export
from shiftassay.cli.import_ import import_
from shiftassay.cli.list_ import list_
from shiftassay.cli.play import play
from shiftassay.cli.predict import predict
from shiftassay.cli.repair import repair
from shiftassay.cli.report import report
from shiftassay.cli.run import run
from shiftassay.cli.shift import shift
from shiftassay.cli.terminal import be_quiet, hide_progress, say
from shiftassay.cli.train import train
from shiftassay.cli.variants import variants

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich takes longer to load than all the rest of `--help`
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"shiftassay {version('shiftassay')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Shiftassay: name the shift, prove it, repair it."""
    be_quiet(False)  # which an earlier command of this process may have asked for
    hide_progress(False)


for verb in (
    run,
    train,
    evaluate,
    diagnose,
    compare,
    predict,
    audit,
    repair,
    import_,
    export,
    shift,
    variants,
    report,
    check,
    play,
    list_,
):
    app.command(verb.__name__.rstrip("_"))(verb)
