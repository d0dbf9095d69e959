"""Image sets from folders: what is read, what is said, which labels they have."""

import numpy as np
import pytest
from PIL import Image
from tests.imagesets.pictures import pixels, write_folder

from shiftassay.errors import BadInput
from shiftassay.imagesets import picture_rows
from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.picture_rows import Limits
from shiftassay.imagesets.read import read_image_set

NAMES = [f"p{n}.png" for n in range(12)]


def said(image_set: ImageSet, words: str) -> bool:
    return any(words in note for note in image_set.notes)


def test_pictures_are_read_in_order_as_they_are(tmp_path):
    image_set = read_image_set(write_folder(tmp_path, NAMES))
    truth = np.stack([pixels(name) for name in NAMES]).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(np.rint(image_set.images * 255), truth)
    assert image_set.names == tuple(NAMES)
    assert (image_set.unit, image_set.integer, image_set.labels) == (255.0, True, None)


def test_gray_stays_gray_and_beside_colour_becomes_colour(tmp_path):
    write_folder(tmp_path / "gray", NAMES, lambda name: pixels(name)[..., 0])
    assert read_image_set(tmp_path / "gray").shape == (1, 6, 8)
    write_folder(tmp_path / "gray", ["q.png"])
    mixed = read_image_set(tmp_path / "gray")
    assert mixed.shape == (3, 6, 8)
    np.testing.assert_array_equal(mixed.images[0, 0], mixed.images[0, 2])
    assert said(mixed, "12 pictures in grey beside 1 in colour")


def test_pictures_of_16_bits_have_their_own_unit(tmp_path):
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    write_folder(tmp_path, NAMES, lambda _: deep)
    image_set = read_image_set(tmp_path)
    np.testing.assert_allclose(image_set.images[0, 0], deep / 65535, rtol=1e-6)
    assert image_set.unit == 65535.0


def test_a_few_bad_files_are_named_and_left_out(tmp_path):
    write_folder(tmp_path, [f"p{n}.png" for n in range(40)])
    (tmp_path / "p3.png").write_bytes(b"")
    (tmp_path / "p5.png").write_bytes((tmp_path / "p5.png").read_bytes()[:60])
    image_set = read_image_set(tmp_path)
    assert len(image_set) == 38
    assert image_set.names is not None
    assert {"p3.png", "p5.png"}.isdisjoint(image_set.names)
    assert said(image_set, "2 pictures left out: p3.png (empty), p5.png (damaged")
    np.testing.assert_array_equal(np.rint(image_set.images[3] * 255), pixels("p4.png").transpose(2, 0, 1))


def test_many_bad_files_are_refused(tmp_path):
    write_folder(tmp_path, NAMES)
    for name in NAMES[:2]:
        (tmp_path / name).write_text("no picture")
    with pytest.raises(BadInput, match=r"2 of 12 pictures can't be read: p0.png \(no picture"):
        read_image_set(tmp_path)


def test_pictures_of_several_sizes_are_refused_with_advice(tmp_path):
    write_folder(tmp_path, NAMES)
    write_folder(tmp_path, ["q.png"], lambda name: pixels(name, (5, 5)))
    with pytest.raises(BadInput, match=r"2 sizes, most often 6 × 8 \(12 of 13\)"):
        read_image_set(tmp_path)


def test_a_sample_is_drawn_by_seed_and_said(tmp_path):
    write_folder(tmp_path, NAMES)
    first, again, other = (read_image_set(tmp_path, limits=Limits(pictures=5), seed=seed) for seed in (0, 0, 1))
    assert first.names == again.names != other.names
    assert len(first) == 5
    assert said(first, "5 of 12 pictures, drawn by seed 0")
    assert list(first.names or ()) == [name for name in NAMES if name in (first.names or ())]


def test_memory_bounds_how_many_are_read(tmp_path):
    write_folder(tmp_path, NAMES)
    image_set = read_image_set(tmp_path, limits=Limits(bytes=4 * 144 * 7, fewest=4))
    assert len(image_set) == 7
    assert image_set.shape == (3, 6, 8)


def test_where_too_few_would_fit_pictures_are_made_smaller(tmp_path):
    write_folder(tmp_path, NAMES)
    image_set = read_image_set(tmp_path, limits=Limits(bytes=4 * 36 * 12, fewest=12))
    assert image_set.shape == (3, 3, 4)
    assert len(image_set) == 12
    assert said(image_set, "made smaller by 2")
    truth = pixels(NAMES[0]).reshape(3, 2, 4, 2, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(image_set.images[0] * 255 - truth).max() <= 0.5


def test_little_memory_counts_as_well(tmp_path, monkeypatch):
    write_folder(tmp_path, NAMES)
    monkeypatch.setattr(picture_rows, "available_memory", lambda: 4 * 4 * 144 * 5)
    assert len(read_image_set(tmp_path, limits=Limits(fewest=1))) == 5


def test_progress_is_told(tmp_path):
    write_folder(tmp_path, NAMES)
    steps = []
    read_image_set(tmp_path, watch=lambda *step: steps.append(step))
    assert steps[11] == ("looking at sizes", 12, 12)
    assert steps[-1] == ("reading pictures", 12, 12)


def test_folders_give_labels_and_names_of_classes(tmp_path):
    write_folder(tmp_path, ["cat/a.png", "dog/b.png", "dog/c.png"])
    image_set = read_image_set(tmp_path)
    assert image_set.required_labels.tolist() == [0, 1, 1]
    assert image_set.classes == ("cat", "dog")
    assert said(image_set, "labels from the folders' names")
    without = read_image_set(tmp_path, labels="none")
    assert (without.labels, without.classes) == (None, None)


def test_one_folder_alone_is_no_class(tmp_path):
    write_folder(tmp_path, ["images/a.png", "images/b.png"])
    image_set = read_image_set(tmp_path)
    assert image_set.labels is None
    assert said(image_set, "'images', which alone is not taken as a class")


def test_a_table_in_the_folder_or_given_labels_by_name(tmp_path):
    folder = write_folder(tmp_path / "set", NAMES)
    (folder / "labels.csv").write_text("file,label\n" + "".join(f"{name},{n % 3}\n" for n, name in enumerate(NAMES)))
    assert read_image_set(folder).required_labels.tolist() == [0, 1, 2] * 4
    (tmp_path / "other.csv").write_text("name,class\np0.png,dog\np1.png,cat\np2,dog\n")
    named = read_image_set(folder, labels=tmp_path / "other.csv")
    assert named.required_labels.tolist() == [1, 0, 1]
    assert named.classes == ("cat", "dog")
    assert named.names == ("p0.png", "p1.png", "p2.png")
    assert said(named, "9 pictures left out, without a row in other.csv")


def test_a_table_of_other_names_is_refused(tmp_path):
    folder = write_folder(tmp_path / "set", NAMES)
    (tmp_path / "other.csv").write_text("name,class\nq.png,dog\n")
    with pytest.raises(BadInput, match="none of its names"):
        read_image_set(folder, labels=tmp_path / "other.csv")


def test_an_array_labels_pictures_in_the_order_of_their_names(tmp_path):
    folder = write_folder(tmp_path / "set", NAMES)
    np.save(tmp_path / "labels.npy", np.arange(12))
    sample = read_image_set(folder, labels=tmp_path / "labels.npy", limits=Limits(pictures=5))
    assert [f"p{label}.png" for label in sample.required_labels] == list(sample.names or ())


def test_digits_of_mnist_are_recognised(tmp_path):
    images, labels = embedded_mnist("test")
    write_folder(tmp_path, [f"{n}.png" for n in range(20)], lambda name: images[int(name[:-4])])
    image_set = read_image_set(tmp_path)
    np.testing.assert_array_equal(image_set.labels, labels[:20])


def test_beside_a_reference_pictures_of_its_names_are_read_in_its_order(tmp_path):
    reference = read_image_set(write_folder(tmp_path / "a", ["cat/x.png", "dog/y.png", "dog/z.png"]))
    shifted = read_image_set(write_folder(tmp_path / "b", ["z.bmp", "x.bmp", "w.bmp"]), reference=reference)
    assert shifted.names == ("x.bmp", "z.bmp")
    assert shifted.required_labels.tolist() == [0, 1]
    assert said(shifted, "labels those of a, by file name")
    assert said(shifted, "1 picture of a without a partner")
    assert said(shifted, "1 picture without a partner in a")


def test_no_labels_are_taken_from_a_reference_of_other_names(tmp_path):
    reference = read_image_set(write_folder(tmp_path / "a", ["cat/x.png", "dog/y.png"]))
    other = read_image_set(write_folder(tmp_path / "b", ["v.png", "w.png"]), reference=reference)
    assert other.labels is None
    assert said(other, "no file names in common with a")


def test_classes_are_numbered_as_in_the_reference(tmp_path):
    reference = read_image_set(write_folder(tmp_path / "a", ["ant/x.png", "bee/y.png", "cat/z.png"]))
    other = read_image_set(write_folder(tmp_path / "b", ["bee/y.png", "cat/z.png"]), reference=reference)
    assert other.required_labels.tolist() == [1, 2]
    assert other.classes == ("ant", "bee", "cat")
    assert said(other, "numbered as in the reference: 'bee' is label 1")
    alone = read_image_set(write_folder(tmp_path / "c", ["bee/y.png"]), reference=reference)
    assert alone.required_labels.tolist() == [1]


def test_a_class_that_the_reference_lacks_is_refused(tmp_path):
    reference = read_image_set(write_folder(tmp_path / "a", ["ant/x.png", "bee/y.png"]))
    folder = write_folder(tmp_path / "b", ["bee/y.png", "dog/z.png"])
    with pytest.raises(BadInput, match="no class dog"):
        read_image_set(folder, reference=reference)
    assert read_image_set(folder, reference=reference, labels="none").labels is None


def test_another_size_than_the_reference_is_refused(tmp_path):
    reference = read_image_set(write_folder(tmp_path / "a", NAMES))
    folder = write_folder(tmp_path / "b", NAMES, lambda name: pixels(name, (5, 5)))
    with pytest.raises(BadInput, match="expected 6 × 8"):
        read_image_set(folder, reference=reference)


def test_a_turned_picture_is_counted(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in NAMES:
        Image.fromarray(pixels(name)).save(tmp_path / name, exif=exif)
    image_set = read_image_set(tmp_path)
    assert image_set.shape == (3, 8, 6)
    assert said(image_set, "12 pictures turned as their EXIF data says")
