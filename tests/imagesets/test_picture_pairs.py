"""Two sets of pictures for a diagnosis, from folders: partners by name, one size, samples of the same places."""

from pathlib import Path

import numpy as np
import pytest
from tests.imagesets.pictures import pixels, write_folder

from shiftassay.diagnosis.given import read_pair, training_images
from shiftassay.errors import BadInput
from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.picture_rows import Limits

NAMES = [f"p{n}.png" for n in range(12)]


def inverted(name: str) -> np.ndarray:
    return 255 - pixels(f"{Path(name).stem}.png")


def are_partners(before: ImageSet, after: ImageSet) -> bool:
    return len(before) == len(after) and bool(np.abs(1 - before.images - after.images).max() < 1e-6)


@pytest.fixture
def clean(tmp_path):
    return write_folder(tmp_path / "a", NAMES)


def said(image_set: ImageSet, words: str) -> bool:
    return any(words in note for note in image_set.notes)


def test_only_pictures_of_common_names_are_read_as_pairs(tmp_path, clean):
    shifted = write_folder(tmp_path / "b", ["p9.bmp", "p3.png", "p11.bmp", "q.png"], inverted)
    before, after = read_pair(clean, shifted)
    assert before.names == ("p3.png", "p9.png", "p11.png")
    assert after.names == ("p3.png", "p9.bmp", "p11.bmp")
    assert are_partners(before, after)
    assert said(after, "3 file names in a, too")
    assert said(after, "9 pictures of a without a partner")
    assert said(after, "1 picture without a partner in a")


def test_a_sample_holds_the_same_pictures_of_both(tmp_path, clean):
    before, after = read_pair(clean, write_folder(tmp_path / "b", NAMES, inverted), limits=Limits(pictures=5), seed=3)
    assert before.names == after.names
    assert len(before) == 5
    assert are_partners(before, after)


def test_a_picture_that_is_damaged_in_one_set_is_left_out_of_both(tmp_path, clean):
    shifted = write_folder(tmp_path / "b", NAMES, inverted)
    (shifted / "p4.png").write_bytes((shifted / "p4.png").read_bytes()[:70])
    before, after = read_pair(clean, shifted)
    assert len(before) == 11
    assert are_partners(before, after)
    assert said(after, "1 picture left out: p4.png")


def test_pairs_of_several_sizes_are_cropped_about_their_centre(tmp_path):
    def larger(name: str) -> np.ndarray:
        n = int(name[1:-4])
        return pixels(name, (10 + n % 3, 12 - n % 2))

    first = write_folder(tmp_path / "a", NAMES, larger)
    second = write_folder(tmp_path / "b", NAMES, lambda name: 255 - larger(name))
    before, after = read_pair(first, second)
    assert before.shape == (3, 10, 11)
    assert are_partners(before, after)
    np.testing.assert_array_equal(
        np.rint(before.images[2] * 255), larger("p2.png")[1:11, :11].transpose(2, 0, 1)[:, :, :11]
    )
    assert said(before, "cropped about their centre to 10 × 11")


def test_two_sets_of_one_size_each_keep_their_sizes(tmp_path, clean):
    smaller = write_folder(tmp_path / "b", NAMES, lambda name: pixels(name, (3, 4)))
    before, after = read_pair(clean, smaller)
    assert (before.shape, after.shape) == ((3, 6, 8), (3, 3, 4))
    assert len(before) == len(after) == 12


def test_folders_without_common_names_are_read_apart_and_that_is_said(tmp_path, clean):
    other = write_folder(tmp_path / "b", [f"q{n}.png" for n in range(12)], lambda name: inverted(f"p{name[1:]}"))
    before, after = read_pair(clean, other, limits=Limits(pictures=5))
    assert said(after, "no file names in common with a: unpaired")
    assert are_partners(before, after)  # as many pictures: the same places were drawn, should their order be the same
    _, fewer = read_pair(clean, write_folder(tmp_path / "c", ["x.png", "y.png"]))
    assert len(fewer) == 2


def test_an_array_beside_a_folder_is_sampled_at_the_same_places(tmp_path, clean):
    array = np.stack([inverted(name) for name in NAMES])
    np.save(tmp_path / "b.npy", array)
    assert are_partners(*read_pair(clean, tmp_path / "b.npy", limits=Limits(pictures=5)))
    assert are_partners(*read_pair(tmp_path / "b.npy", clean, limits=Limits(pictures=5)))
    np.save(tmp_path / "b.npy", array.astype(np.float32) / 255)
    before, after = read_pair(clean, tmp_path / "b.npy")
    assert len(after) == 12
    assert are_partners(before, after)


def test_labels_by_name_serve_both_folders(tmp_path, clean):
    shifted = write_folder(tmp_path / "b", NAMES, inverted)
    table = tmp_path / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{name},{'ab'[n % 2]}\n" for n, name in enumerate(NAMES)))
    before, after = read_pair(clean, shifted, labels=[table])
    assert before.required_labels.tolist() == after.required_labels.tolist() == [0, 1] * 6
    assert read_pair(clean, shifted, labels=["none"])[0].labels is None


def test_labels_are_not_taken_from_the_reference(tmp_path):
    first = write_folder(tmp_path / "a", ["x/p1.png", "y/p2.png"])
    before, after = read_pair(first, write_folder(tmp_path / "b", ["p1.png", "p2.png"]))
    assert before.required_labels.tolist() == [0, 1]
    assert after.labels is None


def test_an_empty_folder_is_refused(tmp_path, clean):
    (tmp_path / "b").mkdir()
    with pytest.raises(BadInput, match="no pictures in this folder"):
        read_pair(clean, tmp_path / "b")


def test_training_images_may_be_a_folder_of_other_names(tmp_path, clean):
    before, _ = read_pair(clean, clean)
    training = training_images(str(write_folder(tmp_path / "t", ["x/1.png", "y/2.png"])), None, before)
    assert training.required_labels.tolist() == [0, 1]


def test_digits_of_mnist_are_recognised_in_both_sets(tmp_path):
    images, labels = embedded_mnist("test")
    names = [f"digit{n}.png" for n in range(12)]
    folders = [
        write_folder(tmp_path / folder, names, lambda name, sign=sign: images[int(name[5:-4])] ^ np.uint8(sign))
        for folder, sign in (("a", 0), ("b", 255))
    ]
    before, after = read_pair(*folders)
    assert before.required_labels.tolist() == labels[:12].tolist()
    assert after.labels is None
    assert read_pair(*folders, labels=["none"])[0].labels is None
