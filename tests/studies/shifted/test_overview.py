import pytest

from shiftassay.studies.shifted.overview import title


@pytest.mark.parametrize(
    ("harms", "became", "expected"),
    [
        (
            (True, True, False, True),
            ("repaired", "information_lost", "nothing_to_repair", "partly_repaired"),
            "Three of four shifts harm this network. One is repaired, one in part and one not at all.",
        ),
        ((True,), ("repaired",), "One of one shift harms this network. One is repaired."),
        ((True, True), ("no_repair_found",) * 2, "Two of two shifts harm this network. Two are not repaired."),
        (
            (True, True),
            ("partly_repaired", "cannot_be_repaired"),
            "Two of two shifts harm this network. One is repaired in part and one not at all.",
        ),
        ((False, False), ("nothing_to_repair",) * 2, "None of two shifts is shown to harm this network."),
        ((True, False), (), "One of two shifts harms this network."),
    ],
)
def test_the_title_counts_what_harms_and_what_is_repaired(harms, became, expected):
    names = [f"t{place}" for place in range(len(harms))]
    assert title(dict(zip(names, harms, strict=True)), dict(zip(names, became, strict=False))) == expected
