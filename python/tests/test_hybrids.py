"""Hybrids as a data set."""

import multiprocessing
import pickle
import subprocess
import sys
import textwrap

import numpy
import pytest

import scimix


@pytest.fixture(scope="module")
def hybrids(generator_run, pictures):
    return scimix.Hybrids(generator_run.folder, pictures, [i % 2 for i in range(len(pictures))], length=30)


def test_items_are_hybrids_of_their_pairs(hybrids, generator_run, pictures):
    generator = scimix.Generator.load(generator_run.folder, "cpu")
    content, scene = hybrids.pair(25)
    image, label = hybrids[25]
    assert (content, label, len(hybrids)) == (1, 1, 30)
    numpy.testing.assert_array_equal(image, generator.mix(pictures[[content]], pictures[[scene]])[0])


def test_a_batch_is_its_items(hybrids):
    for (image, label), index in zip(hybrids.__getitems__([3, 0, -1]), (3, 0, 29), strict=True):
        numpy.testing.assert_array_equal(image, hybrids[index][0])
        assert label == hybrids[index][1]
    with pytest.raises(IndexError):
        hybrids[30]


def _first(dataset):
    return dataset[0][0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers(hybrids, method):
    expected = hybrids[0][0]  # this process has used its threads before it forks
    with multiprocessing.get_context(method).Pool(2) as pool:
        for image in pool.map(_first, [hybrids, hybrids]):
            assert numpy.abs(image.astype(int) - expected).max() <= 1


def test_workers_of_a_process_that_made_no_hybrids(generator_run):
    # Loading the digits starts threads; a process that is forked afterwards has none of them.
    code = f"""
        import multiprocessing, scimix
        digits = scimix.load_dataset("digits", size=16, digits_train=200, digits_test=20)
        hybrids = scimix.Hybrids({str(generator_run.folder)!r}, digits.train.images, digits.train.labels)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(len(pool.map(hybrids.__getitem__, [0, 1, 2, 3])))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "4\n", done.stderr


def test_a_forked_process_loads_a_data_set():
    code = """
        import multiprocessing, scimix
        def load(_):
            return scimix.load_dataset("digits", size=16, digits_train=200, digits_test=20).train.images.sum()
        here = load(0)  # starts threads
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(load, [1, 2]) == [here, here])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "True\n", done.stderr


def test_a_forked_process_trains(tmp_path):
    code = f"""
        import multiprocessing, scimix
        settings = dict(dataset="digits", digits_train=60, digits_test=20, image_size=16, scale="cpu", steps=2, batch=8,
                        labels=50, device="cpu")
        def train(name):
            return len(scimix.train_classifier(**settings, out={str(tmp_path)!r} + "/" + name).metrics["step"])
        here = train("here")  # starts threads
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(train, ["a", "b"]) == [here, here])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "True\n", done.stderr


def test_a_process_that_was_forked_during_a_call_mixes(generator_run):
    # A thread of the parent process is in mix() when the child is forked, which does not have that thread.
    code = f"""
        import multiprocessing, threading, time, numpy, scimix
        generator = scimix.Generator.load({str(generator_run.folder)!r}, "cpu")
        few, many = (numpy.zeros((n, 16, 16, 3), numpy.uint8) for n in (2, 20000))
        child = multiprocessing.get_context("fork").Process(target=lambda: generator.mix(few, few))
        busy = threading.Thread(target=lambda: generator.mix(many, many))
        busy.start()
        time.sleep(0.2)
        child.start()
        child.join(60)
        print(child.exitcode)
        child.kill()
        busy.join()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "0\n", done.stderr


def test_pickle_has_no_network(hybrids):
    assert len(pickle.dumps(hybrids)) < hybrids._images.nbytes * 2 + 4096


def test_data_loader_of_pytorch(hybrids):
    data = pytest.importorskip("torch.utils.data")
    batches = list(data.DataLoader(hybrids, batch_size=8, num_workers=2))
    assert sum(len(images) for images, _ in batches) == 30
    numpy.testing.assert_allclose(batches[0][0][2], hybrids[2][0], atol=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": numpy.zeros((2, 16, 16, 3))}, "images: found float64"),
        ({"images": numpy.zeros((2, 16, 16, 3), numpy.uint8), "labels": [1]}, "labels: found shape"),
        ({"images": numpy.zeros((2, 16, 16, 3), numpy.uint8), "length": -1}, "length: found -1"),
        ({"images": numpy.zeros((0, 16, 16, 3), numpy.uint8)}, "N > 0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        scimix.Hybrids("run", **arguments)
