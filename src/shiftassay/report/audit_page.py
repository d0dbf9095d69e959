"""What a model does that it should not, as a page."""

from collections.abc import Mapping

from shiftassay.evaluation.audit import Audit
from shiftassay.report.finding import Finding, Report, Table
from shiftassay.report.provenance import made_of
from shiftassay.words.lists import listed, plural


def report(audit: Audit, about: Mapping[str, str]) -> Report:
    """The checks that found something first, then the others."""
    order = {"found": 0, "not measured": 1, "ok": 2}
    checks = sorted(audit.checks, key=lambda check: order[check.verdict])
    table = Table(
        ("check", "verdict", "what was measured"),
        tuple((check.name, check.verdict, check.sentence) for check in checks),
        words=("verdict", "what was measured"),
    )
    count = plural(len(checks), "check")
    title = (
        f"{listed(audit.findings).capitalize()}: found by {count}" if audit.findings else f"Nothing found by {count}"
    )
    return Report(
        title,
        f"What a model should not do, looked for on {audit.n:,} images of {audit.images}.",
        tuple(check.sentence for check in checks if check.verdict == "found"),
        (Finding("checks", "The checks", (), (table,)),),
        made_of(about),
        facts=("audit", f"{audit.n:,} images"),
    )
