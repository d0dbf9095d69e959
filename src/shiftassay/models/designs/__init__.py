"""Designs of one model for several variants: a file for each."""
