"""The pages of evaluations, comparisons, audits and repairs say what was found, then give every number."""

from dataclasses import replace

import numpy as np
import pytest
from torch.nn import Identity

from shiftassay.errors import BadInput
from shiftassay.evaluation.agreement import agreed, compare_models
from shiftassay.evaluation.answers import Check
from shiftassay.evaluation.audit import Audit
from shiftassay.evaluation.compare import compare
from shiftassay.evaluation.evaluate import assess
from shiftassay.repairs.result import Attempt, Cost, Repair, accuracy_change
from shiftassay.report import audit_page, comparison_page, evaluation_page, repair_page, write
from shiftassay.statistics.intervals import Interval


def logits(labels, wrong_every=0) -> np.ndarray:
    right = np.eye(10, dtype=np.float32)[labels]
    if not wrong_every:
        return right
    return np.where(np.arange(len(labels))[:, None] % wrong_every == 0, np.roll(right, 1, axis=1), right)


def test_an_evaluation_says_on_which_sets_accuracy_is_lower(digits, tmp_path):
    right, wrong = logits(digits.labels), logits(digits.labels, 4)
    other = replace(digits, name="other")
    evaluations = [
        assess(digits, right),
        assess(other, wrong, digits, right),
        assess(replace(digits, name="same"), right, digits, right),
    ]
    report = evaluation_page.report(evaluations, [], {"model": "m"})
    assert report.title == "Accuracy is lower on other"
    assert [card.answer for card in report.cards] == ["100.0%", "75.0%", "100.0%"]
    assert [card.tone for card in report.cards] == ["plain", "bad", "plain"]
    html = write.write_page(tmp_path / "page.html", report).read_text(encoding="utf-8")
    assert "−25.00 [" in html
    assert html.count("<svg") == 3
    assert (tmp_path / "page-tables" / "classes.csv").read_text().splitlines()[0] == (
        "class,recall on digits,recall on other,recall on same"
    )


def test_without_labels_an_evaluation_says_how_many_answers_stay(digits):
    agreements = [agreed(logits(digits.labels, 4), logits(digits.labels), "other", "digits")]
    report = evaluation_page.report([], agreements, {})
    assert report.title == "The same answers for 75.0% of other"
    assert [finding.key for finding in report.findings] == ["agreement"]


def test_an_audit_begins_with_what_was_found():
    checks = (Check("order", "ok", "Fine.", {}), Check("batch", "found", "It depends on the batch.", {}))
    report = audit_page.report(Audit("digits", 200, checks), {})
    assert report.title == "Batch: found by 2 checks"
    assert report.summary == ("It depends on the batch.",)
    assert [row[0] for row in report.findings[0].tables[0].rows] == ["batch", "order"]
    assert audit_page.report(Audit("digits", 200, checks[:1]), {}).title == "Nothing found by 1 check"


def knowing(images, answers):
    """A model that knows these images, and answers class 0 for all others."""
    by_image = {image.tobytes(): answer for image, answer in zip(images, answers, strict=True)}
    return lambda asked: np.stack([by_image.get(image.tobytes(), np.eye(10, dtype=np.float32)[0]) for image in asked])


def test_a_comparison_says_which_is_better(digits):
    models = {
        "good": knowing(digits.images, logits(digits.labels)),
        "bad": knowing(digits.images, logits(digits.labels, 2)),
    }
    comparison = compare_models(models, digits, margin=0.002)
    report = comparison_page.report(comparison, {})
    assert report.title == "good is better than bad, by 50.00 points"
    assert [finding.key for finding in report.findings] == ["accuracy", "pairs", "agreement"]
    unlabeled = comparison_page.report(replace(comparison, accuracy=None), {})
    assert unlabeled.title == "The models answer 50.0% of the images alike"


def test_a_difference_within_the_margin_is_said_to_be_both(digits):
    right = np.ones((5, 10_000), bool)
    for seed, row in enumerate(right):
        row[: 100 + seed] = False
    better = right.copy()
    for seed, row in enumerate(better):
        row[: 4 + seed % 2] = True
    comparison = compare({"good": better, "bad": right}, margin=0.002)
    models = compare_models(
        {name: knowing(digits.images, logits(digits.labels)) for name in ("good", "bad")}, digits, margin=0.002
    )
    report = comparison_page.report(replace(models, accuracy=comparison), {})
    assert report.title == "good is better than bad, by 0.04 points, which is shown to be less than 0.2"
    assert [row[-1] for row in report.findings[1].tables[0].rows] == ["higher, and equivalent"]


def test_a_repair_says_what_it_brings_and_what_it_costs(tmp_path):
    before, after, clean = (np.arange(400) % 10 < right for right in (5, 9, 10))
    attempt = Attempt(
        "undo", "the picture turned back", accuracy_change(before, after), accuracy_change(clean, clean), None,
        Cost(10, 0, 0, 0, 0), "the variant id of each image", model=Identity(), variant_right=after,
    )  # fmt: skip  # one line for what is tried
    repair = Repair(
        outcome="repaired", recommended="undo", sentence="Recommended: undo.", clean=Interval(1.0, 0.99, 1.0),
        variant=Interval(0.5, 0.45, 0.55), missing=Interval(-0.5, -0.55, -0.45), attempts=(attempt,),
        skipped={"retrain": "it is not needed"}, halves=(), ceiling=None, notes=(),
    )  # fmt: skip  # one line for what is asked
    report = repair_page.report(repair, {})
    assert report.title == "Repaired by undo: accuracy goes from 50.0% to 90.0%"
    assert [card.answer.split(" [")[0] for card in report.cards] == ["−50.0", "undo", "+40.0", "+0.0"]
    assert report.findings[1].sentences == ("retrain, since it is not needed.",)
    html = write.write_page(tmp_path / "page.html", report).read_text(encoding="utf-8")
    assert "the picture turned back" in html
    nothing = repair_page.report(replace(repair, outcome="no_repair_found", recommended=None), {})
    assert nothing.title == "No repair was found"


@pytest.mark.parametrize("name", ["x.pdf", "x.md", "x", "x.html.gz"])
def test_a_page_that_is_no_html_is_refused(name, tmp_path):
    report = audit_page.report(Audit("digits", 200, ()), {})
    with pytest.raises(BadInput, match=r"a report is an HTML page. Name it x(\.html)?\.html; a browser prints it"):
        write.write_page(tmp_path / name, report)
    assert list(tmp_path.iterdir()) == []
