"""`shiftassay list`: catalogues by name."""

from typing import TYPE_CHECKING, Annotated

import typer

from shiftassay.cli.options import Json
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say

if TYPE_CHECKING:
    from shiftassay.listing import Listing


def list_(
    what: Annotated[str, typer.Argument(metavar="networks|shifts|studies|datasets")],
    json_file: Json = None,
) -> None:
    """List networks, shifts, studies or data sets.

    Example: `shiftassay list shifts`
    """
    from shiftassay.errors import unknown_name

    listings = {"networks": _networks, "shifts": _shifts, "studies": _studies, "datasets": _datasets}
    if what not in listings:
        raise unknown_name("list", what, listings)
    listing = listings[what]()
    with written(json_file, "shiftassay.list/1", {what: listing}):
        say(listing)


def _networks() -> "Listing":
    from shiftassay.networks.listing import networks

    return networks()


def _shifts() -> "Listing":
    from shiftassay.shifts.listing import shifts

    return shifts()


def _studies() -> "Listing":
    from shiftassay.studies.built_in import built_in_studies

    return built_in_studies()


def _datasets() -> "Listing":
    from shiftassay.datasets.distorted import known_distortions
    from shiftassay.listing import Listing

    return Listing(known_distortions())
