"""Architectures, one a file, as plain modules; the registry; loading models and asking them."""
