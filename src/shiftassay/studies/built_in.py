"""The studies that come with the lab."""

import tomllib
from importlib.resources import files

from shiftassay.listing import Listing


def built_in_studies() -> Listing:
    """Name and title of every study that comes with the lab."""
    folder = files("shiftassay") / "studies" / "files"
    texts = {path.name.removesuffix(".toml"): path.read_text(encoding="utf-8") for path in folder.iterdir()}
    return Listing({name: tomllib.loads(text)["title"] for name, text in sorted(texts.items())})
