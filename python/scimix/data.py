"""Data sets as arrays."""

import os
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from scimix import _core


class Images(NamedTuple):
    """Images and their classes."""

    images: NDArray[numpy.uint8]
    """[N,R,R,3], 0 to 255"""
    labels: NDArray[numpy.int32]
    """[N], each from 0 to the number of classes less one"""


class Dataset(NamedTuple):
    """A data set as SciMix reads it."""

    train: Images
    test: Images
    class_names: list[str]


def load_dataset(
    name: str,
    folder: str | os.PathLike[str] = "",
    *,
    size: int = 0,
    digits_train: int = 20000,
    digits_test: int = 4000,
) -> Dataset:
    """Read a data set.

    name: "digits" (drawn, without a folder), "folder", "cifar10", "svhn" or another name that
        `scimix_train classifier --dataset` knows.
    folder: where its files lie.
    size: side of the images in pixels, to which all of them are resized; 0: as the data set has them.
    digits_train, digits_test: how many digits are drawn.

    Raises ValueError if files are missing or damaged.
    """
    found = _core.load_dataset(name, os.fspath(folder), size, digits_train, digits_test)
    return Dataset(Images(**found["train"]), Images(**found["test"]), found["class_names"])
