import sys

from benchmarks.diagnosis.drawn import command
from benchmarks.diagnosis.run import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--listed" in arguments:
        main([argument for argument in arguments if argument != "--listed"])
    else:
        command.main(arguments)
