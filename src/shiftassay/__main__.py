"""`python -m shiftassay`: the command line."""

from shiftassay.cli import main

main()
