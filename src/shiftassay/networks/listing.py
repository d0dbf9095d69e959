"""The networks by name, listed without loading PyTorch."""

from shiftassay.listing import Listing, registered


def networks() -> Listing:
    """Every network that can be trained by its name, and what it is."""
    return registered("shiftassay.networks")
