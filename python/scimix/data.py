"""Data sets as arrays."""

import os
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from scimix import _core
from scimix._settings import as_arguments


class Images(NamedTuple):
    """Images and their classes."""

    images: NDArray[numpy.uint8]
    """[N,R,R,3], 0 to 255"""
    labels: NDArray[numpy.int32]
    """[N], each from 0 to the number of classes less one; -1 for a training image that nobody has labelled"""


class Dataset(NamedTuple):
    """A data set as SciMix reads it."""

    train: Images
    test: Images
    """has no images if the data set was read with test="none", [0,H,W,3]"""
    class_names: list[str]


def load_dataset(
    name: str,
    folder: str | os.PathLike[str] = "",
    *,
    size: int = 0,
    labels_file: str | os.PathLike[str] = "",
    test: str = "auto",
    test_share: float = 0.2,
    data_seed: int = 1,
    skip_unreadable: bool = False,
    bounding_box: bool = False,
    digits_train: int = 20000,
    digits_test: int = 4000,
) -> Dataset:
    """Read a data set.

    name: "digits" (drawn, without a folder), "folder", "cifar10", "svhn" or another name that
        `scimix_train classifier --dataset` knows.
    folder: the folder of its files.
    size: side in pixels to which all images are resized; 0: the data set's own size (32 for "folder").
    labels_file: for "folder": a CSV file that names the classes of some images.
    test: "auto", or "none" for no test images: all labelled images are then training images.
    test_share: share of each class that is held out, if a folder has no test images.
    data_seed: seed of the held-out images of a folder, and of the digits.
    skip_unreadable: for "folder": leave out images that cannot be read.
    bounding_box: for "cub-200-2011": crop each image to its bird.
    digits_train, digits_test: number of digits.

    These are settings of docs/settings.md (`size` is image-size), and a run with the same values reads the same images.
    Raises ValueError if a value is out of range, or if files are missing or damaged.
    """
    settings = {
        "dataset": name,
        "data-dir": folder,
        "image-size": size,
        "labels-file": labels_file,
        "test": test,
        "test-share": test_share,
        "data-seed": data_seed,
        "skip-unreadable": skip_unreadable,
        "bounding-box": bounding_box,
        "digits-train": digits_train,
        "digits-test": digits_test,
    }
    found = _core.load_dataset(as_arguments({key: value for key, value in settings.items() if value != ""}))
    return Dataset(Images(**found["train"]), Images(**found["test"]), found["class_names"])
