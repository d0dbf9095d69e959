"""Patterns of layers in a traced network, one file for each kind."""
