"""`shiftassay list`: what there is."""

from typing import Annotated

import typer

from shiftassay.cli.options import Json
from shiftassay.cli.results import written
from shiftassay.cli.terminal import say


def list_(
    what: Annotated[str, typer.Argument(metavar="networks|shifts|studies|datasets")],
    json_file: Json = None,
) -> None:
    """What there is.

    Example: `shiftassay list shifts`
    """
    from shiftassay.datasets.distorted import known_distortions
    from shiftassay.errors import unknown_name
    from shiftassay.networks.registry import NETWORKS
    from shiftassay.shifts.catalogue import presets
    from shiftassay.shifts.family import FAMILIES
    from shiftassay.studies.schema import built_in_studies

    listings = {
        "networks": NETWORKS.about,
        "shifts": FAMILIES.about,
        "studies": built_in_studies,
        "datasets": known_distortions,
    }
    if what not in listings:
        raise unknown_name("list", what, listings)
    found = listings[what]()
    if what == "shifts":
        found |= {name: f"{shift}." for name, shift in presets().items()}
    width = max(len(name) for name in found)
    with written(json_file, "shiftassay.list/1", {what: found}):
        for name, about in found.items():
            say(f"{name:<{width}}  {about}")
