"""One size for pictures of several."""

from shiftassay.imagesets.common_size import common_size


def test_one_size_stays():
    size = common_size([((5, 6), (7, 8))] * 3)
    assert size.sizes == ((5, 6), (7, 8))
    assert size.kept.all()
    assert size.note is None


def test_pairs_of_one_size_each_are_cropped_to_the_smallest():
    size = common_size([((10, 12), (10, 12)), ((12, 10), (12, 10)), ((11, 11), (11, 11))])
    assert size.sizes == ((10, 10), (10, 10))
    assert size.kept.all()
    assert "3 sizes, cropped about their centre to 10 × 10" in (size.note or "")


def test_a_crop_that_would_lose_most_pixels_is_not_made():
    size = common_size([((100, 100),), ((100, 100),), ((10, 10),)])
    assert size.sizes == ((100, 100),)
    assert size.kept.tolist() == [True, True, False]
    assert "the 2 of 3" in (size.note or "")


def test_pairs_of_different_sizes_are_those_of_the_most_common_ones():
    size = common_size([((9, 9), (4, 4)), ((8, 9), (4, 4)), ((8, 9), (4, 4))])
    assert size.sizes == ((8, 9), (4, 4))
    assert size.kept.tolist() == [False, True, True]
