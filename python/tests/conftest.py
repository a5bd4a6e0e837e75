"""Runs of seconds that the tests share, and the programs that they are compared with."""

import os
import struct
import subprocess
import zlib
from pathlib import Path

import numpy
import pytest

import scimix

SIDE = 16
SMALL = {
    "image-size": SIDE,
    "depth": 10,
    "width": 1,
    "device": "cpu",
    "log-every": 2,
    "labels": "all",
}


def write_png(path: Path, image: numpy.ndarray) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="session")
def program():
    """Runs a program of SciMix, and returns its output. The programs lie in $SCIMIX_BIN."""
    folder = os.environ.get("SCIMIX_BIN")
    if folder is None:
        pytest.skip("SCIMIX_BIN names no folder of programs")

    def run(name: str, *arguments: object) -> str:
        words = [str(Path(folder) / name), *map(str, arguments)]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture(scope="session")
def pictures() -> numpy.ndarray:
    """Images of two classes: bright in the upper or in the lower half."""
    images = numpy.random.default_rng(1).integers(0, 128, (24, SIDE, SIDE, 3), dtype=numpy.uint8)
    images[::2, : SIDE // 2] += 128
    images[1::2, SIDE // 2 :] += 128
    return images


@pytest.fixture(scope="session")
def folder(tmp_path_factory, pictures) -> Path:
    """The same images as a data set: 16 to train on, 8 to test on."""
    path = tmp_path_factory.mktemp("data")
    for i, image in enumerate(pictures):
        place = path / ("train" if i < 16 else "test") / ("upper" if i % 2 == 0 else "lower")
        place.mkdir(parents=True, exist_ok=True)
        write_png(place / f"{i:02}.png", image)
    return path


@pytest.fixture(scope="session")
def classifier_run(tmp_path_factory, folder) -> scimix.Run:
    return scimix.train_classifier(
        {**SMALL, "dataset": "folder", "data-dir": folder, "method": "supervised", "batch": 8, "steps": 6},
        out=tmp_path_factory.mktemp("runs") / "classifier",
    )


GENERATOR = {**SMALL, "guide-steps": 0, "batch": 4, "unlabeled-batch": 4, "steps": 4, "g-channels": 8, "d-channels": 8}


@pytest.fixture(scope="session")
def generator_run(tmp_path_factory, folder) -> scimix.Run:
    return scimix.train_generator(
        {**GENERATOR, "dataset": "folder", "data-dir": folder},
        out=tmp_path_factory.mktemp("runs") / "generator",
    )
