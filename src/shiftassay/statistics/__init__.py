"""Intervals, paired tests, equivalence, bootstrap, calibration: arrays in, numbers out."""
