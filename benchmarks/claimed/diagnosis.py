"""How often diagnoses are right: every table counts anew the cases that were drawn.

Whether a single case is right was decided when it was judged, and is taken as stored.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import mean, median

from benchmarks.claimed.intervals import Interval, clopper_pearson, wilson
from benchmarks.claimed.lines import Json, Line, percents
from benchmarks.claimed.reading import values

RANGES = Path(__file__).parents[1] / "diagnosis" / "drawn" / "ranges.py"
KINDS = {
    "paired": "| one shift, the same pictures in both sets |",
    "compositions": "| two shifts in a row |",
    "triples": "| three shifts in a row |",
    "unpaired": "| one shift, other pictures in each set |",
    "unknown": "| in no catalogue: answered `unknown` |",
    "left_out": "| taken out of the catalogue: answered `unknown`, or an equivalent |",
    "small": "| one shift, the same 100 pictures |",
    "null": "| no shift: none named |",
}
AT_LEAST = {"paired": 98, "small": 93, "compositions": 90, "unpaired": 90, "unknown": 95, "left_out": 90}  # percent
SAMPLE = ("reorder", "class_prior", "label_permutation", "label_noise", "label_misalignment")  # pictures stay the same
PARTNERS, SEVERAL = ("paired", "small"), ("compositions", "triples")
Cases = Sequence[Json]


def summary(results: Json) -> list[Line]:
    """Family right, by kind of case, with Wilson's interval; false alarms with the exact one."""
    cases, lines = results["outcomes"], list[Line]([("right, % [95%]",)])
    for kind in ("paired", "small", "compositions", "triples", "unpaired", "unknown", "left_out"):
        if of_kind := _of(cases, kind):
            right = [case["family"] for case in of_kind]
            asked: list[float | str] = []
            if kind in AT_LEAST:
                asked = [AT_LEAST[kind], "%: " + ("reached" if 100 * mean(right) >= AT_LEAST[kind] else "missed")]
            lines.append([KINDS[kind], len(of_kind), *_share(right)[:-1], *asked])
    of_nulls = _of(cases, "null")
    for words, nulls in (
        ("| no shift: false alarms |", of_nulls),
        ("| of these, other pictures in each set |", [case for case in of_nulls if case.get("pairing") == "unpaired"]),
    ):
        if nulls:
            *share, count = _share((bool(case["alarm"]) for case in nulls), clopper_pearson)
            asked = ["upper end", 1, "%: " + ("reached" if share[2] <= 1 else "missed")] if nulls is of_nulls else []
            lines.append([words, int(count), *share, *asked])
    note: Line = ["of two shifts both"]
    for run in results["runs"]:
        note = [*note, len(run["outcomes"]), "cases of seed", run["seed"]]
    return [*lines, note]


def strata(results: Json) -> list[Line]:
    """All that is judged of a case, by kind; where there is nothing to judge, the case does not count."""
    details = ("scope", "parameters", "order", "pairing", "share", "information")
    judged = ("family", *(f"{detail}_right" for detail in details))
    lines = []
    for kind, words in KINDS.items():
        if of_kind := _of(results["outcomes"], kind):
            known = [[case[what] for case in of_kind if case.get(what) is not None] for what in judged]
            lines.append([words, len(of_kind), *(number for rights in known for number in _share(rights))])
    note: Line = []
    for run in results["runs"]:
        seed = run["seed"]
        use = "used once" if seed >= 1000 else "a development seed"
        note = [*note, len(run["outcomes"]), "cases that were drawn by seed", seed, use]
    return [*lines, note]


def nulls(results: Json) -> list[Line]:
    """False alarms by kind of null, the upper end of the exact interval, and the share of right verdicts."""
    kinds: dict[str, Callable[[Json], bool]] = {
        "| the same images": lambda case: case.get("pairing") in ("same_order", "reordered"),
        "| other images of one": lambda case: case.get("pairing") == "unpaired" and "drifted" not in case["families"],
        "| a subset": lambda case: case.get("pairing") is None,
        "| other images, other shares": lambda case: "drifted" in case["families"],
        "| all": lambda case: True,
    }
    lines = list[Line]([("rate, 95%",)])
    for words, holds in kinds.items():
        if of_kind := [case for case in _of(results["outcomes"], "null") if holds(case)]:
            alarms = sum(bool(case["alarm"]) for case in of_kind)
            upper = 100 * clopper_pearson(alarms, len(of_kind))[2]
            lines.append([words, len(of_kind), alarms, "at most", upper, *_share(case["right"] for case in of_kind)])
    return lines


def by_images(results: Json) -> list[Line]:
    """Family right, by the number of images in the smaller set."""
    lines = []
    for low, high in pairwise((60, 150, 400, 1000, 3000, 10_000)):
        here = [
            c for c in results["outcomes"] if low <= min(c["images"], c["shifted_images"]) < high + (high == 10_000)
        ]
        lines.append([low, "to", high, *_by_kind(here, (PARTNERS, SEVERAL, ("unpaired",), ("unknown",)))])
    return lines


def by_strength(results: Json) -> list[Line]:
    """Family right, by the root mean square of the change over the standard deviation of the pixels."""
    lines = []
    for low, high in pairwise((0.02, 0.05, 0.1, 0.2, 0.5, 1.0, inf)):
        here = [case for case in results["outcomes"] if low <= (case.get("strength") or 0) < high]
        ends = [low, "to", high] if high < inf else [low, "and more"]
        lines.append([*ends, *_by_kind(here, (PARTNERS, SEVERAL, ("unpaired",)))])
    return lines


def by_family(results: Json) -> list[Line]:
    """Each family: the strengths it was drawn with, and from which strength and how many images on it was named."""
    cases = _of(results["outcomes"], *PARTNERS)
    lines = []
    for family in dict.fromkeys(case["truth"] for case in cases):
        of_family = [case for case in cases if case["truth"] == family]
        strengths = [case["strength"] for case in of_family if case.get("strength")]
        line = [f"| `{family}` |", *_share(case["family"] for case in of_family)]
        if strengths:
            line += [min(strengths), "to", max(strengths), *_named_from(of_family, "strength")]
        line += _named_from(of_family, "images")
        for case in of_family:
            line += [] if case["family"] else [*([case["strength"]] if case.get("strength") else []), case["images"]]
        lines.append(line)
    return lines


def confidence(results: Json) -> list[Line]:
    """What verdicts stated on average, and how often family and scope were right."""
    lines = list[Line]([("right, % [95%]",)])
    for low, high in pairwise((0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)):
        stated = [(case["confidence"], case["right"]) for case in results["outcomes"] if "confidence" in case]
        here = [(c, right) for c, right in stated if c is not None and (low <= c < high or c == high == 1)]
        if here:
            line = [low, "to", high, len(here), 100 * mean(c for c, _ in here)]
            lines.append([*line, *_share(right for _, right in here)])
    return lines


def stated(results: Json) -> list[Line]:
    """The same by what the verdict is; three shifts in a row apart."""
    known = [case for case in results["outcomes"] if case.get("confidence") is not None]
    few = [case for case in known if case["stratum"] != "triples"]
    kinds = {
        "| one shift or two are named |": [c for c in few if c["verdict"] not in ("unknown", "identity")],
        "| nothing happened |": [c for c in known if c["verdict"] == "identity"],
        "| `unknown` |": [c for c in few if c["verdict"] == "unknown"],
        "| whatever is said of three": [c for c in known if c["stratum"] == "triples"],
    }
    lines = list[Line]([("right, % [95%]",)])
    for words, here in kinds.items():
        if here:
            share = _share(case["right"] for case in here)[:-1]
            lines.append([words, len(here), 100 * mean(case["confidence"] for case in here), *share])
    return lines


def confusion(results: Json) -> list[Line]:
    """How often each truth was taken for each other family; the order is the table's, by kind and frequency."""
    lines = []
    for kind in ("paired", "small", "unpaired", "unknown", "left_out", "null"):
        missed = [case for case in _of(results["outcomes"], kind) if not case["family"]]
        taken = Counter((case["truth"], case["verdict"]) for case in missed)
        for (truth, verdict), count in sorted(taken.items(), key=lambda item: (-item[1], item[0])):
            lines.append([KINDS[kind], f"`{truth}` | `{verdict}`", count])
    return lines


def wrong(results: Json) -> list[Line]:
    """Each case that is not right; what is off was written down when it was judged."""
    return [
        [f"`{case['case']}` | `{case['verdict']}`", case["confidence"], *values("; ".join(case["wrong"]))]
        for case in results["outcomes"]
        if not case["right"]
    ]


def seconds(results: Json) -> list[Line]:
    """How long the diagnoses of each kind took."""
    lines = []
    for kind, words in KINDS.items():
        if took := [case["seconds"] for case in _of(results["outcomes"], kind)]:
            lines.append([words, mean(took), median(took), "(", max(took), sum(took) / 60])
    return lines


def ranges(results: Json) -> list[Line]:
    """What strengths are drawn from: a setting, read off the program that draws, without running it."""
    return [
        [f"| `{family}` |", *(f"{name} {low:g} to {high:g}" for name, (low, high) in drawn.items())]
        for family, drawn in _ranges().items()
    ]


def listed(results: Json) -> list[Line]:
    """The listed cases: a case is [verdict, confidence, what is wrong, seconds], its group begins its name."""
    cases = [(name.split("/")[0], name, *case[1:3]) for name, case in results["cases"].items()]
    groups = ("intensity", "noise", "geometry", "blur", "overlay", "rearrangement", "sample")
    single = [case for case in cases if case[0] in (*groups, "attack")]
    fashion = [case for case in cases if case[0].removeprefix("fashion-") in groups and case[0] not in groups]
    of = {group: [case for case in cases if case[0] == group] for group in ("compose", "unpaired", "left_out", "null")}
    named = ("family", "parts")
    known = [case for case in single if not any(_wrong_in(case[3], what) for what in named)]
    asked = [
        ("| single families: family", single, named),
        ("| of these: scope", known, ("scope",)),
        ("| of these: parameters", known, ("parameters",)),
        ("| compositions of two", [case for case in of["compose"] if case[1].count(" + ") == 1], named),
        ("| compositions of three", [case for case in of["compose"] if case[1].count(" + ") == 2], named),
        ("| unpaired", of["unpaired"], named),
        ("| Fashion-MNIST", fashion, named),
        ("| a family left out", of["left_out"], named),
        ("| false alarms", of["null"], named),
        ("| confidence of 0.9 and more", [case for case in cases if case[2] >= 0.9], (*named, "scope")),
    ]
    lines = list[Line]([("measured [95%]",)])
    for words, of_kind, judged in asked:
        misses = sum(any(_wrong_in(case[3], what) for what in judged) for case in of_kind)
        right = misses if words == "| false alarms" else len(of_kind) - misses
        lines.append([words, *percents(wilson(right, len(of_kind))), len(of_kind)])
    return [*lines, (len(cases), "cases, commit")]


def changes(results: Json) -> list[Line]:
    """How many listed cases of two runs differ in their family, or in whether it is right; which is written as code."""
    before, now = results["before"], results["now"]
    common = [(before[name], case) for name, case in now.items() if name in before]
    right = [(not old[2], not new[2]) for old, new in common if old[0] != new[0] or bool(old[2]) != bool(new[2])]
    better, worse = right.count((False, True)), right.count((True, False))
    return [(len(right), "of", len(common), "cases:", better, "better,", worse, "worse,", len(right) - better - worse)]


def speed(results: Json) -> list[Line]:
    """Seconds of whole commands, and the most memory that one of them had."""
    return [
        *(
            [row["shift"], row["images"], *_spread(row["seconds"]), row["memory_gb"], "GB"]
            for row in results["diagnoses"]
        ),
        ("The whole command", results["environment"]["cores"], "cores"),
    ]


def _spread(took: Sequence[float]) -> Line:
    return median(took), min(took), "to", max(took)


def _of(cases: Cases, *kinds: str) -> Cases:
    return [case for case in cases if case["stratum"] in kinds]


def _share(rights: Iterable[bool], interval: Callable[[int, int], Interval] = wilson) -> list[float]:
    """The share that is right with its interval, and of how many; nothing of none."""
    known = list(rights)
    return [*percents(interval(sum(known), len(known))), len(known)] if known else []


def _by_kind(cases: Cases, kinds: Sequence[Sequence[str]]) -> list[float]:
    """Family right of each kind, where pictures changed."""
    pictures = [case for case in cases if case["truth"] not in SAMPLE]
    return [number for kind in kinds for number in _share(case["family"] for case in _of(pictures, *kind))]


def _named_from(cases: Cases, size: str) -> list[str | float]:
    """The least size from which on every case was named, and how many these are."""
    known = sorted(((case[size], case["family"]) for case in cases if case.get(size) is not None), reverse=True)
    count = next((place for place, (_, right) in enumerate(known) if not right), len(known))
    return [known[count - 1][0], "(", count] if count else []


def _wrong_in(fault: str, what: str) -> bool:
    """Whether a fault as it was written down is one of family, parts, scope or, else, a parameter."""
    others = ("family", "parts", "scope", "order", "share", "information", "pairing")
    parts = fault.split("; ") if fault else []
    if what == "parameters":
        return any(not part.startswith(others) for part in parts)
    return any(part.startswith(what) for part in parts)


def _ranges() -> dict[str, dict[str, tuple[float, float]]]:
    """`RANGES` of the program's text: by family and what is drawn, the two ends."""
    for node in ast.parse(RANGES.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "RANGES":
            assert isinstance(node.value, ast.Dict)
            families = zip(node.value.keys, node.value.values, strict=True)
            return {ast.literal_eval(family): _ends(drawn) for family, drawn in families if family is not None}
    raise ValueError(f"{RANGES} has no RANGES")


def _ends(drawn: ast.expr) -> dict[str, tuple[float, float]]:
    assert isinstance(drawn, ast.Dict)
    ends = {}
    for name, call in zip(drawn.keys, drawn.values, strict=True):
        assert name is not None
        assert isinstance(call, ast.Call)
        low, high = (float(ast.literal_eval(end)) for end in call.args)
        ends[ast.literal_eval(name)] = (low, high)
    return ends
