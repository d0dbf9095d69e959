"""Pages and contrasts say what was measured: change the numbers, and the argument changes."""

from dataclasses import replace

import pytest

from shiftassay.diagnosis.mechanisms.case import Extent, MatchedControl, Mechanism
from shiftassay.diagnosis.pairing.pair import Pairing, PairingEvidence
from shiftassay.diagnosis.proof import Accuracies, Check
from shiftassay.diagnosis.result import Diagnosis, ImageCounts
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.evaluation.effect import effect_over_seeds
from shiftassay.evaluation.evaluate import Comparison, Evaluation
from shiftassay.repairs.result import AccuracyChange, Attempt, Cost, HalfOfVariant, Repair, Timing
from shiftassay.shifts.catalog import parse
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.studies.shifted.alternatives import alternatives
from shiftassay.studies.shifted.answered_variant import VariantOutcome, outcome_of
from shiftassay.studies.shifted.best_found import best_found
from shiftassay.studies.shifted.contrast import Contrast, Unmodified
from shiftassay.studies.shifted.diagnosed_variant import Control, Controls, DiagnosedVariant, ImageChange, OtherImages
from shiftassay.studies.shifted.experiments.aim import AimExperiment, Larger, Mixed
from shiftassay.studies.shifted.experiments.draws import Dose, DrawsExperiment
from shiftassay.studies.shifted.sections.contrast_pages import contrast_page
from shiftassay.studies.shifted.sections.outcomes import Outcomes, findings
from shiftassay.studies.shifted.sections.variant_pages import VariantPage, page_finding


def around(estimate: float, spread: float = 0.01) -> Interval:
    return Interval(estimate, estimate - spread, estimate + spread)


def candidate(family: str, misfit: float, **parameters: float) -> CandidateSummary:
    return CandidateSummary(family, parameters, "shared", 1 - misfit, misfit, limit=0.06, unexplained=misfit)


ROTATED = Verdict(
    parse("rotate:angle=25"), {"angle": 25.0}, {"angle": [24.9, 25.1]}, share=1.0, confidence=0.99, equivalent=()
)
DIAGNOSIS = Diagnosis(
    pairing=Pairing("same_order", None, PairingEvidence(None, None)),
    verdict=ROTATED,
    candidates=(candidate("rotate", 0.02, angle=25.0), candidate("shear", 0.4)),
    accuracy=Accuracies(0.97, 0.8, reproduced=0.8, restored_with_partner=0.96, restored_blind=0.96),
    proof=(Check("same mistakes", 0.99, 1.0, True),),
    images=ImageCounts(1000, 1000),
    mechanisms=(Mechanism("network_merges", True, "Features run together.", {}),),
)
TURNED = DiagnosedVariant(
    pictures={"clean": (0.0, 1.0), "t": (0.0, 1.0)},
    images=1000,
    set=10_000,
    diagnosis=DIAGNOSIS,
    shift=ROTATED.shift,
    text="rotate (angle = 25)",
    change=ImageChange((0.9, 1.0, 1.0), (6.0, 7.0, 8.0), touched=1.0, same_values=0.0, labels_alike=1.0),
    controls=Controls(
        shuffled=Control(around(0.9, 0.02), around(-0.1, 0.02), 10, 110, 1000),
        transplanted=Control(around(0.8, 0.02), around(0.0, 0.02), 20, 20, 1000),
    ),
    reaches=OtherImages(1000, 0.8, 0.805, 8, 3),
)
UNKNOWN = Verdict(None, {}, {}, share=1.0, confidence=0.99)
NOTHING_TRIED = Repair(
    outcome="nothing_to_repair",
    recommended=None,
    sentence="Nothing was tried.",
    clean=around(0.97),
    variant=around(0.8),
    missing=around(-0.17),
    attempts=(),
    skipped={},
    halves=(HalfOfVariant(500, ROTATED), HalfOfVariant(500, ROTATED)),
    ceiling=None,
    notes=(),
    environment=Timing(1.0, {}),
)


def evaluation(difference=(-0.17, -0.18, -0.16), p_value=1e-12, equivalence_p=1.0) -> Evaluation:
    change = Comparison("clean", Interval(*difference), True, 10, 1710, p_value, equivalence_p, 0.005)
    return Evaluation("t", 10_000, 8000, wilson(8000, 10_000), (), (), 0.9, 0.1, change)


def effect(**changes):
    return effect_over_seeds([evaluation(**changes)])


def diagnosed(**changes) -> DiagnosedVariant:
    """`TURNED` with parts of its diagnosis replaced."""
    return replace(TURNED, diagnosis=replace(DIAGNOSIS, **changes))


def page_of(variant=TURNED, repair=NOTHING_TRIED, **changes):
    return page_finding(VariantPage("t", "made", (evaluation(**changes),), variant, repair))


def text_of(finding) -> str:
    return " ".join(finding.sentences)


def test_a_sound_page_claims_weighs_and_limits():
    page = page_of()
    text = text_of(page)
    assert page.title == "t: rotate, harmed"
    assert "t was made from clean by rotate (angle = 25)" in text
    assert "harmed: −17.00 [−18.00, −16.00] points (10,000 images, one seed); accuracy is lower" in text
    assert "2.0% of the change stays unexplained" in text
    assert "Other explanations. Not ruled out: the change of any image does as much harm (each image" in text
    assert "Ruled out, by the numbers in the table: accuracy changed by chance alone; " in text
    assert "it is shear" in text
    assert "1,000 of its 10,000 images" in text
    assert "evidence is thin" not in text


def test_a_rival_that_explains_as_much_is_not_ruled_out():
    close = diagnosed(candidates=(DIAGNOSIS.candidates[0], candidate("shear", 0.025)))
    rival = next(a for a in alternatives([evaluation()], close, NOTHING_TRIED) if a.explanation == "It is shear")
    assert not rival.ruled_out
    assert "it is shear" in text_of(page_of(close))


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"verdict": replace(ROTATED, confidence=0.6)}, "only 0.60"),
        ({"proof": (Check("same mistakes", 0.7, 1.0, False),)}, "leads to other mistakes (right or wrong alike on 70%"),
        ({"pairing": replace(DIAGNOSIS.pairing, kind="unpaired")}, "no image has a partner in clean"),
        ({"verdict": replace(ROTATED, equivalent=("affine",))}, "affine would explain it as well"),
    ],
)
def test_thin_evidence_is_said_to_be_thin(changes, doubt):
    text = text_of(page_of(diagnosed(**changes)))
    assert "The evidence is thin: " in text
    assert doubt in text


def test_halves_that_disagree_make_the_verdict_doubtful():
    sheared = replace(ROTATED, shift=parse("shear:factor=0.2"), parameters={"factor": 0.2})
    repair = replace(NOTHING_TRIED, halves=(HalfOfVariant(500, ROTATED), HalfOfVariant(500, sheared)))
    assert "The evidence is thin: fitted to each half by itself: rotate and shear" in text_of(page_of(repair=repair))


def test_the_parts_of_a_composition_alone_are_rivals():
    rotate, gain = ({"family": f, "parameters": {}, "scope": "shared"} for f in ("rotate", "gain"))
    parts = {"parts": [rotate, gain]}
    both = CandidateSummary("compose", parts, None, 0.99, 0.01, 0.06)
    verdict = replace(ROTATED, shift=parse("rotate:angle=25+gain:factor=0.5"), parameters=parts, intervals={})
    page = page_of(diagnosed(verdict=verdict, candidates=(both, candidate("rotate", 0.3))))
    explanations = [row[0] for row in page.tables[0].rows]
    assert "It is rotate" in explanations
    assert "It is rotate, then gain" not in explanations
    assert page.title == "t: rotate, then gain, harmed"


def test_a_change_that_is_not_shown_is_no_harm_and_a_small_one_that_is_shown_is_a_slight_one():
    page = page_of(difference=(0.0, -0.001, 0.001), p_value=1.0, equivalence_p=1e-6)
    assert page.title == "t: rotate, not shown to change"
    assert "it is shown that accuracy changes by less than 0.5 points (2.5% of the errors on clean)" in text_of(page)
    assert not any("does as much harm" in row[0] for row in page.tables[0].rows)
    page = page_of(difference=(-0.003, -0.004, -0.002), p_value=1e-4, equivalence_p=1e-6)
    assert page.title == "t: rotate, slightly harmed"
    assert "accuracy is lower, by less than 0.5 points" in text_of(page)
    assert "Why it harms so little" in text_of(page)


def test_several_seeds_have_one_effect_which_the_title_and_the_claim_tell():
    rows = tuple(evaluation(difference=(d, d - 0.002, d + 0.002)) for d in (-0.17, -0.16, -0.18))
    page = page_finding(VariantPage("t", "made", rows, TURNED, NOTHING_TRIED))
    assert page.title == "t: rotate, harmed"
    assert "10,000 images and 3 seeds" in page.sentences[0]
    assert page.numbers["effect"]["effect"] == "harmed"
    apart = tuple(evaluation(difference=(d, d - 0.002, d + 0.002)) for d in (-0.17, 0.16, -0.01))
    page = page_finding(VariantPage("t", "made", apart, TURNED, NOTHING_TRIED))
    assert page.title == "t: rotate, not shown to change"
    assert "lower in 2 of 3 seeds alone" in page.sentences[0]


def test_an_unknown_shift_is_no_claim():
    unknown = diagnosed(verdict=UNKNOWN, candidates=(candidate("rotate", 0.5),))
    page = page_of(replace(unknown, shift=None, text=None))
    assert page.title == "t: an unknown shift, harmed"
    assert "no family of the catalogue makes" in page.sentences[0]
    assert "rotate, leaves 50% of the change unexplained" in page.sentences[1]


def test_why_is_not_known_where_no_mechanism_passes():
    unexplained = diagnosed(mechanisms=(replace(DIAGNOSIS.mechanisms[0], present=False),))
    assert "Why it harms is not known: 1 mechanisms were measured, and none passes its test." in text_of(
        page_of(unexplained)
    )
    assert outcome_of(effect(), evaluation(), unexplained, NOTHING_TRIED).why == "not known"


def test_the_table_says_what_became_of_each():
    change = AccuracyChange(1000, around(0.8), around(0.96), around(0.16), 160, 0, 1e-9)
    undo = Attempt("undo", "turned back", change, change, None, Cost(1, 0, 0, 0, 0), "the shift is known")
    repaired = replace(NOTHING_TRIED, outcome="repaired", recommended="undo", attempts=(undo,))
    row = outcome_of(effect(), evaluation(), TURNED, repaired)
    [finding] = findings(Outcomes((row,)))
    assert finding.tables[0].rows[0][0] == "t"
    assert finding.tables[0].rows[0][-2:] == ("undo (turned back)", "80.00 → 96.00 [95.00, 97.00] of 1,000")
    assert finding.title == "t harms the model; t is repaired"
    assert finding.sentences == (
        "How does accuracy change? On clean images it is 97.0% (10,000 images, one seed). Lower on t (80.0%).",
        "Why, or why not? t: the network's features run together.",
        "Can it be repaired? t: yes, by undo (turned back): accuracy goes from 80.0% to 96.0% of 1,000 images.",
    )
    partly = outcome_of(effect(), evaluation(), TURNED, replace(repaired, outcome="partly_repaired"))
    assert findings(Outcomes((partly,)))[0].title == "t harms the model; t is repaired in part"


def test_where_nothing_repairs_the_best_that_was_found_anywhere_is_named():
    network = DrawsExperiment(
        "t", {}, 100, 10_000, (Dose(1, 30_000, around(0.1), around(0.9)), Dose(None, 30_000, around(0.1), around(0.3)))
    )
    contrast = Contrast(("s", "t"), "draws", NEAR_CHANCE, network, None)
    lost = replace(NOTHING_TRIED, outcome="information_lost", recommended="none")
    best = best_found("t", lost, [contrast], None)
    assert best is not None
    assert (best.accuracy, best.images) == (around(0.3), 10_000)
    assert best_found("s", lost, [contrast], None) is None
    row = outcome_of(effect(), evaluation(), TURNED, lost, best)
    [finding] = findings(Outcomes((row,), (contrast,)))
    assert (
        "no repair was found that comes near the 97.0% on clean images; the best classifier found in this study is a"
        in (finding.sentences[2])
    )
    assert "30.0% [29.0, 31.0] of 10,000 images" in finding.sentences[2]
    assert finding.sentences[3].startswith("What sets s and t apart? Trained on ")
    assert "the network reaches 90.0% where one draw shared by all images" in finding.sentences[3]
    assert "30.0% with a fresh draw for each image (10,000 test images, one seed)." in finding.sentences[3]
    page = page_finding(VariantPage("t", "made", (evaluation(),), TURNED, lost, best))
    assert "The best classifier found anywhere in this study: a network" in text_of(page)


def test_an_attack_beside_noise_is_answered_by_theory_and_by_both_experiments():
    def row(name: str, text: str, agreement: float) -> VariantOutcome:
        aim = Mechanism("adds_up", True, "It adds up.", {"agreement": {"shifted": agreement}})
        variant = replace(diagnosed(mechanisms=(aim,)), shift=parse(text))
        return replace(outcome_of(effect(), evaluation(), variant, NOTHING_TRIED), variant=name)

    rows = (row("s", "sign_noise:epsilon=0.1", 0.12), row("t", "adversarial:epsilon=0.1", 0.99))
    mixed = (Mixed(0.0, around(0.95), 0.1, 2.0), Mixed(1.0, around(0.3), 0.1, 2.0))
    larger = tuple(Larger(times, around(0.95 - 0.05 * times), 0.1 * times, 2.0) for times in (1, 2, 4))
    contrast = Contrast(("s", "t"), "aim", NEAR_CHANCE, None, AimExperiment("t", "s", 1000, mixed, larger))
    [finding] = findings(Outcomes(rows, (contrast,)))
    assert finding.sentences[3] == (
        "What sets s and t apart? "
        "s: To first order a change δ moves the margin by g·δ, where g is the margin's gradient: random signs add up "
        "like a random walk, with a standard deviation of ε‖g‖₂. "
        "t: To first order a change δ moves the margin by g·δ, where g is the margin's gradient: signs along g add up "
        "to ε‖g‖₁. "
        "Measured, g·δ is 12% on s and 99.0% on t of Σ|g||δ|, the most that changes of these sizes could do. "
        "With every pixel changed as in s, accuracy is 95.0%; changed as in t, 30.0% (L∞ 0.1 and 0.1, 1,000 images). "
        "The change of s does less harm even at 4 times its size (75.0%)."
    )


def test_an_answer_has_at_most_six_sentences_however_many_variants():
    rows = tuple(outcome_of(effect(), evaluation(), TURNED, NOTHING_TRIED) for _ in range(9))
    [finding] = findings(Outcomes(rows))
    assert all(0 < paragraph.count(". ") <= 6 for paragraph in finding.sentences)
    assert "stand on their pages." in finding.sentences[1]


def test_a_rival_at_chance_either_way_is_no_evidence_and_is_not_counted():
    accuracy = Accuracies(0.97, 0.1, reproduced=0.11)
    controls = Controls(
        shuffled=Control(around(0.12), around(-0.02), 10, 30, 1000),
        transplanted=Control(around(0.8), around(-0.7), 0, 700, 1000),
    )
    chance = replace(diagnosed(accuracy=accuracy), controls=controls, commonest=0.113)
    rows = {other.explanation: other for other in alternatives([evaluation()], chance, NOTHING_TRIED)}
    size, others = rows["Any change of this size does as much harm"], rows["The change of any image does as much harm"]
    assert (size.evidence, size.is_open, size.ruled_out) == (False, False, False)
    assert others.ruled_out
    assert others.p_value is not None
    text = text_of(page_of(chance))
    assert "No evidence on whether any change of this size does as much harm" in text
    assert "both at chance" in text


def test_a_control_that_does_nearly_as_much_harm_does_not_rule_size_out():
    """500 of 1,000 images are lost; a control that loses 450 of them is shown to lose fewer, and not by a fifth."""
    controls = Controls(
        shuffled=Control(around(0.52), around(-0.05), 0, 50, 1000),
        transplanted=Control(around(0.87), around(-0.4), 0, 400, 1000),
    )
    near = replace(diagnosed(accuracy=Accuracies(0.97, 0.47, reproduced=0.47)), controls=controls)
    rows = {other.explanation: other for other in alternatives([evaluation()], near, NOTHING_TRIED)}
    assert not rows["Any change of this size does as much harm"].ruled_out
    assert rows["The change of any image does as much harm"].ruled_out


def test_tests_are_corrected_for_their_number():
    """Two tests of p = 0.03 each: neither rejects at 5% once there are two."""
    rows = alternatives([evaluation(difference=(-0.17, -0.18, -0.16), p_value=0.03)], TURNED, NOTHING_TRIED)
    tested = [row for row in rows if row.p_value is not None]
    assert len(tested) == 4
    chance = next(row for row in tested if "by chance" in row.explanation)
    assert chance.p_value == pytest.approx(0.06)
    assert not chance.ruled_out
    assert rows[0].is_open


def test_families_that_explain_no_more_than_doing_nothing_are_not_listed():
    straw = diagnosed(candidates=(DIAGNOSIS.candidates[0], candidate("shear", 0.4), candidate("defocus", 0.99)))
    explanations = [other.explanation for other in alternatives([evaluation()], straw, NOTHING_TRIED)]
    assert "It is shear" in explanations
    assert "It is defocus" not in explanations


def test_a_reason_that_a_harmless_control_has_too_is_a_rival_that_is_ruled_out():
    control = MatchedControl("shuffled over the image", 0.96, Extent(0.12, 0.02, "12% lies outside"))
    span = Mechanism("outside_span", False, "Shuffled, 12% lies outside too.", {}, control)
    rows = alternatives([evaluation()], diagnosed(mechanisms=(*DIAGNOSIS.mechanisms, span)), NOTHING_TRIED)
    [row] = [row for row in rows if row.explanation.startswith("It harms because")]
    assert row.explanation == "It harms because a part of it lies in directions that training images hardly use"
    assert row.ruled_out


def test_agreement_at_chance_is_not_told():
    """At 10% right, two unrelated classifiers agree on 82% of images."""
    at_chance = diagnosed(
        accuracy=Accuracies(0.97, 0.1, reproduced=0.1),
        proof=(Check("same mistakes", 0.82, 0.82, True),),
        images=ImageCounts(1000, 1000),
    )
    assert "alike" not in text_of(page_of(at_chance))
    told = replace(at_chance, diagnosis=replace(at_chance.diagnosis, proof=(Check("same mistakes", 0.97, 0.98, True),)))
    assert "Both are right or wrong alike on 97.0% of images" in text_of(page_of(told))


def test_before_and_after_are_of_the_same_images_under_the_same_attack():
    file = AccuracyChange(10_000, around(0.365), around(0.963), around(0.6), 6000, 0, 1e-9)
    fresh = AccuracyChange(1000, around(0.241), around(0.948), around(0.7), 700, 0, 1e-9)
    trained = Attempt("adversarial training", "trained", file, file, fresh, Cost(1, 0, 1, 1, 1), "nothing")
    repair = replace(NOTHING_TRIED, outcome="partly_repaired", recommended=trained.strategy, attempts=(trained,))
    row = outcome_of(effect(), evaluation(), TURNED, repair)
    assert (row.judged_on, row.diagnosed_on, row.after_is_attacked) == (1000, 1000, True)
    assert row.cells[-1] == (
        "attacked afresh: 24.10 → 94.80 [93.80, 95.80] of 1,000; the file: 36.50 → 96.30 [95.30, 97.30] of 10,000"
    )


NEAR_CHANCE = Unmodified((around(0.12), around(0.11)), 0.11, around(-0.01, 0.02), 0.3)


def contrast_text(unmodified, variant=TURNED, kind=None, draws=None, **changes) -> str:
    contrast = Contrast(("a", "b"), kind, unmodified, draws, None)
    repairs = {"a": NOTHING_TRIED, "b": NOTHING_TRIED}
    effects = {name: replace(effect(**changes), name=name) for name in ("a", "b")}
    return text_of(contrast_page(contrast, {"a": variant, "b": variant}, repairs, 0.97, effects))


def test_a_model_at_chance_on_both_is_no_evidence():
    text = contrast_text(NEAR_CHANCE)
    assert "is not shown to differ between the two" in text
    assert "near chance" in text
    apart = Unmodified((around(0.9), around(0.3)), 0.11, around(-0.6), 1e-9)
    assert "tells them apart" in contrast_text(apart)


def test_sets_that_are_clean_are_not_set_apart():
    clean = replace(TURNED, change=ImageChange((0.0,) * 3, (0.0,) * 3, 0.0, same_values=1.0, labels_alike=1.0))
    same = {"difference": (0.0, -0.001, 0.001), "p_value": 1.0, "equivalence_p": 1e-6}
    text = contrast_text(Unmodified((around(0.97), around(0.97)), 0.11, around(0.0), 1.0), clean, **same)
    assert "Nothing sets them apart" in text
    assert "shown to harm the unmodified model more than slightly, and accuracy is not shown to differ" in text
    assert "a is not shown to change and b is not shown to change" in text
    assert "experiment" not in text


def test_the_experiment_says_when_the_number_of_draws_does_not_matter():
    one, each = Dose(1, 1000, around(0.1), around(0.5)), Dose(None, 1000, around(0.1), around(0.5))
    alike = DrawsExperiment("a", {}, updates=100, images=600, dose=(one, each))
    assert "does not set them apart" in contrast_text(NEAR_CHANCE, kind="draws", draws=alike)
    fallen = replace(alike, dose=(one, replace(each, learned=around(0.2))))
    text = contrast_text(NEAR_CHANCE, kind="draws", draws=fallen)
    assert "decides what can be learned, not what the unmodified model does" in text
    assert "multiset" not in text
    assert "only the multiset of its values" in contrast_text(
        NEAR_CHANCE, kind="draws", draws=replace(fallen, only_values=True)
    )


def test_more_images_help_only_where_that_is_shown():
    few = [Dose(4, 1000, around(0.1), around(0.5)), Dose(None, 1000, around(0.1), around(0.2))]
    many = [Dose(4, 9000, around(0.1), around(0.8)), Dose(None, 9000, around(0.1), around(0.21))]
    draws = DrawsExperiment("a", {}, updates=100, images=600, dose=(*few, *many))
    text = contrast_text(NEAR_CHANCE, kind="draws", draws=draws)
    assert "With 4 draws, going from 1,000 to 9,000 training images helps" in text
    assert "With a draw for each image, going from 1,000 to 9,000 training images is not shown to help" in text


def test_what_a_page_is_made_of_is_read_as_it_was_written():
    stored = DiagnosedVariant.from_json(TURNED.to_json())
    assert page_of(stored) == page_of()
    assert Repair.from_json(NOTHING_TRIED.to_json()).to_json() == NOTHING_TRIED.to_json()
