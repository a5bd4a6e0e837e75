"""Data sets as arrays: labelled and unlabelled images of a folder."""

import numpy
import pytest

import scimix

from conftest import SIDE, SMALL, write_png


def _names(count):
    return ["upper" if i % 2 == 0 else "lower" for i in range(count)]


@pytest.fixture(scope="module")
def own_pictures(tmp_path_factory, pictures):
    """A folder with 12 labelled pictures, and 12 that nobody has labelled."""
    path = tmp_path_factory.mktemp("own")
    for i, name in enumerate(_names(len(pictures))):
        place = path / "labeled" / name if i < 12 else path / "unlabeled"
        place.mkdir(parents=True, exist_ok=True)
        write_png(place / f"{i:02}.png", pictures[i])
    return path


def test_images_are_those_of_the_files(folder, pictures):
    data = scimix.load_dataset("folder", folder, size=SIDE)
    assert data.class_names == ["lower", "upper"] and data.train.labels.dtype == numpy.int32
    numpy.testing.assert_array_equal(data.train.images, numpy.concatenate([pictures[1:16:2], pictures[0:16:2]]))
    numpy.testing.assert_array_equal(data.train.labels, [0] * 8 + [1] * 8)
    assert data.test.images.shape == (8, SIDE, SIDE, 3)


def test_unlabelled_pictures_have_the_label_minus_one(own_pictures, pictures):
    data = scimix.load_dataset("folder", own_pictures, size=SIDE, test="none")
    assert sorted(data.train.labels) == [-1] * 12 + [0] * 6 + [1] * 6
    assert data.test.images.shape == (0, SIDE, SIDE, 3) and data.test.labels.shape == (0,)
    unlabelled = data.train.images[data.train.labels == -1]
    assert {image.tobytes() for image in unlabelled} == {image.tobytes() for image in pictures[12:]}


def test_a_share_is_held_out(own_pictures):
    data = scimix.load_dataset("folder", own_pictures, size=SIDE, test_share=0.5)
    assert sorted(data.test.labels) == [0] * 3 + [1] * 3
    assert len(data.train.images) == 18 and (data.train.labels == -1).sum() == 12


def test_labels_file(tmp_path, pictures):
    for i in range(6):
        write_png(tmp_path / f"{i}.png", pictures[i])
    rows = [f"{i}.png,{name}" for i, name in enumerate(_names(4))]
    labels = tmp_path.parent / f"{tmp_path.name}.csv"
    labels.write_text("\n".join(["file,class", *rows]) + "\n")
    data = scimix.load_dataset("folder", tmp_path, size=SIDE, labels_file=labels, test="none")
    assert data.class_names == ["lower", "upper"]
    assert sorted(data.train.labels) == [-1, -1, 0, 0, 1, 1]


def test_a_run_without_test_images(own_pictures, tmp_path):
    run = scimix.train_classifier(
        {**SMALL, "dataset": "folder", "data-dir": own_pictures, "test": "none", "method": "supervised"},
        batch=4,
        steps=4,
        out=tmp_path / "run",
    )
    assert run.metrics["step"][-1] == 4 and "test_accuracy" not in run.metrics
    assert scimix.Classifier.load(run.folder).class_names == ["lower", "upper"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "digitz"}, "digitz"),
        ({"name": "folder", "folder": "/nowhere"}, "/nowhere"),
        ({"name": "digits", "test_share": 2}, "test-share"),
        ({"name": "digits", "test": "some"}, "some"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(ValueError, match=message):
        scimix.load_dataset(**arguments)


def test_several_seeds_are_several_calls(tmp_path):
    with pytest.raises(ValueError, match="--seeds 0,1: expected one run"):
        scimix.train_classifier({**SMALL, "dataset": "digits"}, seeds="0,1", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
