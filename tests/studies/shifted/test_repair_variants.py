from types import MappingProxyType, SimpleNamespace

import pytest
from rich.console import Console

from shiftassay.studies.shifted import repair_variants
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.study import Argument


class Diagnosed(StudyContext):
    """A study of two variants that has diagnosed both."""

    argument = Argument()
    console = Console(quiet=True)
    dataset = SimpleNamespace(train=None)
    diagnoses = MappingProxyType({name: SimpleNamespace(diagnosis=f"diagnosis of {name}") for name in ("t1", "t2")})
    model = None
    effects = MappingProxyType({name: SimpleNamespace(harms=name == "t2") for name in ("t1", "t2")})

    def __init__(self):
        pass

    def argued_images(self, name):
        return "clean", name


class RepairError(Exception):
    """Raised in place of a repair, with what it was given."""


def test_repairs_take_the_diagnosis_that_the_study_has(monkeypatch):
    def repair(*sets, diagnosis, harmed, **options):
        raise RepairError(*sets, diagnosis, harmed)

    monkeypatch.setattr(repair_variants, "repair", repair)
    with pytest.raises(RepairError) as call:
        repair_variants.repair_variant(Diagnosed(), "t2")
    assert call.value.args == ("clean", "t2", "diagnosis of t2", True)
