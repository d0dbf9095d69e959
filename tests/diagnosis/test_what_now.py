"""What a verdict says to do now: one text for terminal and JSON, and code that runs."""

import json

import numpy as np
import pytest

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.pairing.pair import Pairing, PairingEvidence
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.diagnosis.wording import WIDTH
from shiftassay.shifts.catalog import parse, shift
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES

SHEARED = CandidateSummary("shear", {"factor": 0.25}, "shared", 0.4, 0.6, 0.05, 0.6, {"misfit": 0.6})


def diagnosis_of(text: str | None, share: float = 1.0, candidates=(SHEARED,), commands=()) -> Diagnosis:
    made = None if text is None else parse(text)
    verdict = Verdict(made, {} if made is None else made.parameters, {}, share, 0.9)
    pairing = Pairing("same_order", None, PairingEvidence(None, None))
    return Diagnosis(pairing=pairing, verdict=verdict, candidates=candidates, commands=commands)


@pytest.mark.parametrize(
    "text", ["rotate:angle=15", "gaussian_noise:sd=0.2", "identity", "class_prior:proportions=[1]", None]
)
def test_terminal_and_json_say_the_same(text):
    diagnosis = diagnosis_of(text, commands=("shiftassay repair a.npy b.npy --model m",))
    content = json.loads(json.dumps(diagnosis.to_json()))
    shown = str(diagnosis)
    assert content["advice"] in " ".join(shown.split())
    assert content["commands"] == ["shiftassay repair a.npy b.npy --model m"]
    assert "  $ shiftassay repair a.npy b.npy --model m" in shown
    code = content["code"] or content["code_instead"]
    assert (content["code"] is not None) == (text == "rotate:angle=15")
    assert ("Code to paste" in shown) == (code is not None)
    if code is not None and len(code.splitlines()) < 40:
        assert all(f"    {line}".rstrip() in shown for line in code.splitlines())
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert Diagnosis.from_json(content).to_json() == content


def test_long_code_is_kept_for_files(digits):
    permuted = parse("pixel_permutation").realize(digits.shape, np.random.default_rng(0))
    diagnosis = Diagnosis(
        pairing=Pairing("same_order", None, PairingEvidence(None, None)),
        verdict=Verdict(permuted, permuted.parameters, {}, 1.0, 0.9),
    )
    assert "in the file of --json" in str(diagnosis)
    assert len(diagnosis.code or "") > 2000
    assert len(str(diagnosis).splitlines()) < 12


def test_of_a_share_the_rest_is_to_be_left_alone():
    assert diagnosis_of("rotate:angle=15", share=0.25).advice.startswith("Only 25% of the images were touched")


@pytest.mark.torture
def test_the_code_of_a_diagnosis_undoes_what_it_found(digits):
    turned = shift(digits, "invert")
    names = {}
    exec(diagnose(digits, turned).code or "", names)  # noqa: S102  # code that is meant to be pasted
    assert np.abs(names["undo"](turned.images[:, 0]) - digits.images[:, 0]).max() < 1e-6


@pytest.mark.parametrize("candidates", [(), (SHEARED,)])
def test_an_unknown_shift_is_looked_at_and_gets_a_family(candidates, digits, capsys, monkeypatch):
    diagnosis = diagnosis_of(None, candidates=candidates)
    assert "family of your own" in diagnosis.advice
    monkeypatch.setattr(FAMILIES, "_entries", {name: FAMILIES[name] for name in FAMILIES})
    names = {"__name__": "pasted"}
    exec(diagnosis.code_instead or "", names)  # noqa: S102  # code that is meant to be pasted
    nearest = parse("shear:factor=0.25" if candidates else "identity")
    made = nearest.apply(digits.images, np.random.default_rng(0))
    left = names["residual"](digits.images, made + np.float32(0.125))
    assert np.allclose(left, 0.125, atol=1e-6)
    assert "0.125" in capsys.readouterr().out
    own = FAMILIES["mine"]
    grey = np.float32(0.3) + np.float32(0.4) * digits.images
    assert own.estimate(Pairs(grey, grey + np.float32(0.1)))[0].amount == pytest.approx(0.1, abs=1e-3)
