"""What repairs of the model do on each variant."""

from typing import Any

from shiftassay.repairs.repair import repair
from shiftassay.studies.shifted.lab import Lab
from shiftassay.words.terminal import spoken

VERSION = 1


def measure(lab: Lab, name: str) -> dict[str, Any]:
    """Repair the model for a variant, each strategy fitted to one half of its images and judged on the other."""
    clean, found = lab.looked_at(name)
    lab.console.print(spoken(f"{name}: repairing"))
    how = lab.argument
    tried = repair(clean, found, model=lab.model, train=lab.dataset.train, epochs=how.epochs, quick=not how.thorough)
    return tried.to_json()
