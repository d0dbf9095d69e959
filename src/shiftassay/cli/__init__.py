"""The command line: how a command begins and ends.

Its verbs are loaded once signals are handled.
"""

import sys
from typing import NoReturn

from shiftassay import interrupts


def main() -> NoReturn:
    """Run the command line, and exit with its code.

    The code is 0, 1 (what was asked for failed), 2 (bad input) or 130 (interrupted).
    """
    try:
        interrupts.listen()
        from shiftassay.cli.ending import run_command_line

        code = run_command_line()
    except KeyboardInterrupt:
        code = interrupts.EXIT_CODE
    if interrupts.interrupted():
        interrupts.end()
    sys.exit(code)
