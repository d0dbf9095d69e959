"""The table of shared permutations: which places the images tell, and which of them a diagnosis finds."""

from typing import Any

from benchmarks.markdown import markdown

from shiftassay.words.numbers import points

COLUMNS = (
    "permutation",
    "partners",
    "images",
    "named",
    "that the images tell, % of places",
    "identified, % of these",
    "right, % of the identified",
)
COUNTS = ("varying", "told", "told_identified", "identified", "right")
PARTNERS = {"same_order": "in the same order", "reordered": "in another order", "unpaired": "none"}


def permutations_table(results: dict[str, Any]) -> str:
    """Of each permutation, pairing and number of images: sums over data sets and seeds."""
    alike: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in results["rows"]:
        alike.setdefault((row["family"], row["pairing"], row["images"]), []).append(row)
    lines = []
    for (family, pairing, images), rows in alike.items():
        total = {name: sum(row[name] for row in rows) for name in COUNTS}
        named = f"{sum(row['verdict'] == family for row in rows)} of {len(rows)}"
        shares = (("told", "varying"), ("told_identified", "told"), ("right", "identified"))
        cells = (points(total[part] / total[of], 1) if total[of] else "–" for part, of in shares)
        lines.append((f"`{family}`", PARTNERS[pairing], f"{images:,}", named, *cells))
    note = (
        "*Of the places that vary in both sets. MNIST and Fashion-MNIST, two seeds below 1000 each; "
        f"commit {results['environment']['commit']}; `{results['command']}`.*"
    )
    return markdown(COLUMNS, lines) + f"\n\n{note}"
