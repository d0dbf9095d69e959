import pytest

from shiftassay.studies.shifted.overview import title

HARM, SLIGHT, NONE = "harmed", "slightly harmed", "not shown to change"


@pytest.mark.parametrize(
    ("effects", "became", "expected"),
    [
        (
            (HARM, HARM, NONE, HARM),
            ("repaired", "information_lost", "nothing_to_repair", "partly_repaired"),
            "Three of four shifts harm this network. One is repaired, one in part and one not at all.",
        ),
        ((HARM,), ("repaired",), "One of one shift harms this network. One is repaired."),
        ((HARM, HARM), ("no_repair_found",) * 2, "Two of two shifts harm this network. Two are not repaired."),
        (
            (HARM, HARM),
            ("partly_repaired", "cannot_be_repaired"),
            "Two of two shifts harm this network. One is repaired in part and one not at all.",
        ),
        ((NONE, NONE), ("nothing_to_repair",) * 2, "None of two shifts is shown to harm this network."),
        ((HARM, NONE), (), "One of two shifts harms this network."),
        ((HARM, SLIGHT), (), "Two of two shifts harm this network, one of them slightly."),
        ((SLIGHT, NONE), (), "One of two shifts harms this network slightly."),
    ],
)
def test_the_title_counts_what_harms_and_what_is_repaired(effects, became, expected):
    names = [f"t{place}" for place in range(len(effects))]
    assert title(dict(zip(names, effects, strict=True)), dict(zip(names, became, strict=False))) == expected
