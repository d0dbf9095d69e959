from shiftassay.cli import main

main()
