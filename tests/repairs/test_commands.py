"""Commands to go on with are only those that what was given allows."""

from dataclasses import replace
from pathlib import Path

import pytest

from shiftassay.diagnosis.pairing.pair import Pairing, PairingEvidence
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.repairs.commands import Given, with_commands
from shiftassay.shifts.catalog import parse

FILE = Path("d.json")


def diagnosis_of(text: str, kind: str = "same_order", share: float = 1.0) -> Diagnosis:
    made = parse(text)
    return Diagnosis(
        pairing=Pairing(kind, None, PairingEvidence(None, None)), verdict=Verdict(made, made.parameters, {}, share, 0.9)
    )


@pytest.fixture
def verbs(digits, model):
    def of(diagnosis: Diagnosis, **given) -> list[str]:
        whole = with_commands(diagnosis, Given("a.npy", "b.npy", **given), digits, digits, model)
        return [command.split()[1] for command in whole.commands]

    return of


def test_without_a_model_there_is_nothing_to_repair_or_export(verbs):
    assert verbs(diagnosis_of("invert"), json_file=FILE) == []


def test_a_model_is_repaired_and_with_a_kept_diagnosis_exported(verbs):
    assert verbs(diagnosis_of("invert"), model="m") == ["repair"]
    assert verbs(diagnosis_of("invert"), model="m", json_file=Path("-")) == ["repair"]
    assert verbs(diagnosis_of("invert"), model="m", json_file=FILE) == ["repair", "export"]


def test_what_no_undo_in_front_mends_is_not_exported(verbs):
    for diagnosis in (diagnosis_of("gaussian_noise:sd=0.1"), diagnosis_of("invert", share=0.5)):
        assert verbs(diagnosis, model="m", json_file=FILE) == ["repair"]


def test_what_harms_no_model_is_not_repaired(verbs):
    for text in ("identity", "reorder"):
        assert verbs(diagnosis_of(text), model="m", json_file=FILE) == []


def test_a_repair_that_nothing_could_judge_is_not_named(verbs, digits, model):
    assert verbs(diagnosis_of("invert", "unpaired"), model="m") == []
    assert verbs(diagnosis_of("invert"), model="m", labels=[Path("a"), Path("b")]) == []
    framed = replace(diagnosis_of("stretch:factors=[0.5,0.5]"), framing=parse("stretch:factors=[0.5,0.5]"))
    assert verbs(framed, model="m", json_file=FILE) == []
    few = digits.first(60)
    assert with_commands(diagnosis_of("invert"), Given("a", "b", model="m"), few, few, model).commands == ()


def test_options_and_names_with_spaces_are_kept(digits, model):
    given = Given(
        "a set.npy",
        "b.npy",
        labels=[Path("l.npy")],
        model="m.pt2",
        takes="nchw",
        trust=True,
        train="mnist",
        leave_out=["0,0,4,4"],
    )
    (command,) = with_commands(diagnosis_of("invert"), given, digits, digits, model).commands
    assert command == (
        "shiftassay repair 'a set.npy' b.npy --model m.pt2 --labels l.npy --train mnist --takes nchw --trust "
        "--leave-out 0,0,4,4"
    )
