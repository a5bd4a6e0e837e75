"""Networks: their results are those of the programs, and mistakes are named."""

import numpy
import pytest

import scimix


def test_logits_are_those_of_scimix_eval(program, classifier_run, folder, tmp_path):
    program("scimix_eval", "logits", classifier_run.folder, "--out", tmp_path / "logits.npy", "--device", "cpu")
    expected = numpy.load(tmp_path / "logits.npy")
    images = scimix.load_dataset("folder", folder, size=16).test.images
    logits = scimix.Classifier.load(classifier_run.folder, "cpu")(images)
    assert logits.dtype == numpy.float32 and logits.shape == (8, 2)
    numpy.testing.assert_array_equal(logits, expected["logits"])


def test_hybrids_are_those_of_scimix_mix(program, generator_run, folder, tmp_path):
    words = ["--content", folder / "test", "--scene", folder / "train", "--pairing", "in-order", "--count", 8]
    program("scimix_mix", "--generator", generator_run.folder, *words, "--out", tmp_path / "a.npy", "--device", "cpu")
    expected = numpy.load(tmp_path / "a.npy")
    data = scimix.load_dataset("folder", folder, size=16)
    hybrids = scimix.Generator.load(generator_run.folder, "cpu").mix(data.test.images, data.train.images[:8])
    assert hybrids.dtype == numpy.uint8
    numpy.testing.assert_array_equal(hybrids, expected["image"])


def test_floats_are_bytes_by_255(generator_run, classifier_run, pictures):
    floats = (pictures / 255).astype(numpy.float32)
    classifier = scimix.Classifier.load(classifier_run.folder, "cpu")
    numpy.testing.assert_allclose(classifier(floats), classifier(pictures), atol=1e-4)
    generator = scimix.Generator.load(generator_run.folder, "cpu")
    for dtype in (numpy.float32, numpy.float64):
        hybrids = generator.mix(floats.astype(dtype), floats[::-1].astype(dtype))
        assert hybrids.dtype == dtype
        numpy.testing.assert_allclose(255 * hybrids, generator.mix(pictures, pictures[::-1]), atol=0.51)


def test_batches_and_strides_do_not_matter(classifier_run, pictures):
    classifier = scimix.Classifier.load(classifier_run.folder, "cpu")
    expected = classifier(pictures[::2])
    numpy.testing.assert_allclose(classifier(numpy.ascontiguousarray(pictures[::2]), batch=5), expected, atol=1e-5)
    channels_first = numpy.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    numpy.testing.assert_array_equal(classifier(channels_first.transpose(0, 2, 3, 1)[::2]), expected)
    assert classifier(pictures[:0]).shape == (0, 2)


def test_what_a_network_says_of_itself(classifier_run, generator_run):
    classifier = scimix.Classifier.load(classifier_run.folder)
    assert (classifier.image_size, classifier.class_names) == (16, ["lower", "upper"])
    assert classifier.checkpoint.endswith("step-00000006.safetensors")
    assert scimix.Generator.load(generator_run.folder).image_size == 16
    assert scimix.Classifier.load(generator_run.folder).class_names == ["lower", "upper"]  # its own classifier


@pytest.mark.parametrize(
    ("images", "found"),
    [
        ([1, 2], "found list"),
        (None, "found NoneType"),
        (numpy.zeros((2, 16, 16, 3), numpy.int64), "found int64 [2,16,16,3]"),
        (numpy.zeros((2, 16, 16, 4), numpy.uint8), "found uint8 [2,16,16,4]"),
        (numpy.zeros((2, 8, 8, 3), numpy.uint8), "found uint8 [2,8,8,3]"),
        (numpy.zeros((16, 16, 3), numpy.uint8), "found uint8 [16,16,3]"),
        (numpy.full((2, 16, 16, 3), 2.0), "found values outside 0 to 1"),
        (numpy.full((2, 16, 16, 3), numpy.nan, numpy.float32), "found values outside 0 to 1"),
    ],
)
def test_wrong_images(classifier_run, images, found):
    classifier = scimix.Classifier.load(classifier_run.folder, "cpu")
    with pytest.raises(ValueError) as error:
        classifier(images)
    message = str(error.value)
    assert message.startswith("images: ") and found in message and "expected" in message


def test_wrong_pairs(generator_run, pictures):
    generator = scimix.Generator.load(generator_run.folder, "cpu")
    with pytest.raises(ValueError, match="scene: found 3 images, expected 4"):
        generator.mix(pictures[:4], pictures[:3])
    with pytest.raises(ValueError, match="scene: found another element type"):
        generator.mix(pictures[:4], pictures[:4] / 255)
    with pytest.raises(ValueError, match="batch: found 0"):
        generator.mix(pictures, pictures, batch=0)


def test_no_run(tmp_path, classifier_run):
    with pytest.raises(ValueError, match="not found"):
        scimix.Classifier.load(tmp_path / "nothing")
    with pytest.raises(ValueError, match="a checkpoint of scimix_train generator"):
        scimix.Generator.load(classifier_run.folder)


def test_tensors_of_pytorch(classifier_run, pictures):
    torch = pytest.importorskip("torch")
    classifier = scimix.Classifier.load(classifier_run.folder, "cpu")
    numpy.testing.assert_array_equal(classifier(torch.from_numpy(pictures)), classifier(pictures))


def test_other_threads_run_meanwhile(classifier_run, pictures):
    import threading

    classifier = scimix.Classifier.load(classifier_run.folder, "cpu")
    many = numpy.tile(pictures, (100, 1, 1, 1))
    counted = 0
    worker = threading.Thread(target=classifier, args=(many,))
    worker.start()
    while worker.is_alive():
        counted += 1
    assert counted > 100
