from types import SimpleNamespace
from typing import cast

from rich.console import Console

from shiftassay.studies.shifted import repair_variants
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.study import Argument


def test_repairs_take_the_diagnosis_that_the_study_has(monkeypatch):
    passed = {}
    monkeypatch.setattr(repair_variants, "repair", lambda *sets, **options: passed.update(options))
    context = SimpleNamespace(
        argument=Argument(),
        argued_images=lambda name: (["clean"], [name]),
        console=Console(quiet=True),
        dataset=SimpleNamespace(train=None),
        diagnoses={name: SimpleNamespace(diagnosis=f"diagnosis of {name}") for name in ("t1", "t2")},
        model=None,
    )
    repair_variants.repair_variant(cast(StudyContext, context), "t2")
    assert passed["diagnosis"] == "diagnosis of t2"
