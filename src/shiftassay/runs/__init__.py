"""Trials, their hashes, and the store of their results."""
