"""How a result was made, as the table at the end of its page."""

from collections.abc import Mapping

from shiftassay.report.finding import Table


def made_of(facts: Mapping[str, str]) -> Table:
    """Facts by name, those that are empty left out."""
    return Table(("", ""), tuple((name, text) for name, text in facts.items() if text))
