"""Intervals, paired tests, equivalence, calibration: arrays in, numbers out."""
