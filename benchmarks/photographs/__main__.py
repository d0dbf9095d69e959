import sys

from benchmarks.photographs.command import main

if __name__ == "__main__":
    main(sys.argv[1:])
