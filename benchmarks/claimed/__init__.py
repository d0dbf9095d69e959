"""The parts of `benchmarks/claims.py`: how each number of README and docs comes about."""
