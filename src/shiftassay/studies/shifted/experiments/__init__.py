"""Experiments that isolate what sets two variants apart.

Each has a file that measures, and a page that says what was measured.
"""
