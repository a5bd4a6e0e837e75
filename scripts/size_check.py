#!/usr/bin/env python3
"""Tries data sets of unusual size, and prints the time and the memory that each program needs for them.

  classes   10,000 classes with two images each
  images    1,000,000 images in 1,000 classes
  names     class folders and images whose names have every byte that a name may have
  paths     a data folder, and a run folder, whose paths have 4,000 bytes

Each data set is made of hard links to 100 images of 8x8 pixels. On each, a small classifier is trained for two
steps, the training is resumed for a third step, the accuracy is measured on the held-out images, and the classes
of all images are predicted. A program fails
  * if it ends with an error,
  * if it needs more than 4 KiB of memory for each image and 8 KiB for each class, besides the images' pixels and
    the memory that it needs for a data set of 40 images (a class costs a row of the last layer's weights, of their
    gradient, momentum and average, and an output for each image of a batch),
  * if a report is larger than 2 MB, or predictions are missing.

usage: scripts/size_check.py [--classes N] [--images N] [--only NAME] [--dir FOLDER] [--bin FOLDER]
  --classes  number of classes of `classes` (default 10000)
  --images   number of images of `images` (default 1000000)
  --only     tries only this data set
  --dir      where the data sets are made, and removed at the end (default: the system's temporary folder)
  --bin      where the programs are (default build/cpu/bin)
Prints one line for each command, in Markdown. The exit code is 1 if anything failed.
"""
import argparse
import csv
import os
import pathlib
import shutil
import struct
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIDE = 8
SOURCES = 100
MOST_BYTES = 4096  # of memory for each image
CLASS_BYTES = 8192  # of memory for each class
MOST_REPORT = 2_000_000
TRAIN = (f"--dataset folder --image-size {SIDE} --crop-pad 1 --depth 10 --width 1 --batch 4 --device cpu "
         "--labels all --steps 2").split()


def png(number):
    """Returns a PNG file: each number gives other pixels."""
    rows = bytearray()
    for y in range(SIDE):
        rows.append(0)
        for x in range(SIDE):
            rows += bytes(((37 * number + 29 * x) % 256, (91 * number + 31 * y) % 256, (53 * number * (x + y)) % 256))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")


class Sources:
    """The images to which all others are links."""

    def __init__(self, folder):
        self.files = []
        self.made = 0
        os.makedirs(folder)
        for number in range(SOURCES):
            self.files.append(os.path.join(os.fsencode(folder), b"%d.png" % number))
            with open(self.files[-1], "wb") as file:
                file.write(png(number))

    def link(self, path):
        os.link(self.files[self.made % SOURCES], path)
        self.made += 1


def make_classes(data, sources, classes, per_class):
    for number in range(classes):
        folder = os.path.join(data, b"class-%05d" % number)
        os.makedirs(folder)
        for image in range(per_class):
            sources.link(os.path.join(folder, b"%06d.png" % image))
    return classes * per_class


def make_names(data, sources):
    """One class for each byte that a name may have, and images whose names have the same byte."""
    images = 0
    for byte in sorted(set(range(1, 256)) - {ord("/")}):
        folder = os.path.join(data, b"c" + bytes([byte]) + b"d")
        os.makedirs(folder)
        for name in (b"a" + bytes([byte]) + b".png", bytes(range(128, 256)) + bytes([byte]) + b".PNG"):
            sources.link(os.path.join(folder, name))
            images += 1
    return images


def long_path(folder, length):
    """Makes folders in folders until the path has so many bytes, and returns it."""
    while length - len(folder) > 1:
        rest = length - len(folder) - 1
        # What remains must be nothing, or a name and the slash before it.
        name = b"n" * (rest if rest <= 200 else min(200, rest - 2))
        folder = os.path.join(folder, name)
    os.makedirs(folder)
    return folder


class Check:
    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.base = {}  # peak memory for a small data set, by the name of the command
        self.faults = []

    def run(self, what, name, images, classes, program, *arguments):
        log = os.path.join(self.folder, b"log.txt")
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(out, 1)
            os.dup2(out, 2)
            path = os.fsencode(self.programs / program)
            try:
                os.execv(path, [path, *(os.fsencode(word) for word in arguments)])
            except OSError as error:
                os.write(2, f"cannot be started: {error}".encode())
            finally:  # never the parent's code after the fork
                os._exit(127)
        _, status, usage = os.wait4(child, 0)
        seconds = time.monotonic() - began
        peak = usage.ru_maxrss * 1024
        code = os.waitstatus_to_exitcode(status)
        faults = [] if code == 0 else [f"exit code {code}: " + open(log, errors="replace").read()[-2000:]]
        if what == "small":
            self.base[name] = peak
        elif not faults:
            pixels = 2 * SIDE * SIDE * 3 * images  # in the data set, and in the tensors of the device
            each = max(0, peak - self.base[name] - pixels - classes * CLASS_BYTES) / images
            # Fewer images than this prove nothing: other memory is larger.
            if images >= 10_000 and each > MOST_BYTES:
                faults.append(f"{each:.0f} bytes for each image, expected at most {MOST_BYTES}")
            print(f"| {what} | {name} | {images:,} | {seconds:.1f} | {peak / 1e6:.0f} | {each:.0f} |", flush=True)
        self.faults += [f"{what}, {name}: {fault}" for fault in faults]
        return not faults

    def expect(self, holds, what, fault):
        if not holds:
            self.faults.append(f"{what}: {fault}")

    def all_of(self, what, data, run, images, classes):
        """Trains, resumes, measures and predicts."""
        good = self.run(what, "train", images, classes, "scimix_train", "classifier", *TRAIN, "--data-dir", data,
                        "--out", run)
        if not good:
            return
        size = os.path.getsize(os.path.join(run, b"report.html"))
        self.expect(size <= MOST_REPORT, what, f"the report has {size} bytes, expected at most {MOST_REPORT}")
        self.run(what, "resume", images, classes, "scimix_train", "classifier", "--resume", run, "--steps", "3")
        json = os.path.join(self.folder, b"accuracy.json")
        self.run(what, "accuracy", images, classes, "scimix_eval", "accuracy", run, "--device", "cpu", "--json", json)
        predictions = os.path.join(self.folder, b"predictions.csv")
        good = self.run(what, "predict", images, classes, "scimix_eval", "predict", run, data, "--device", "cpu",
                        "--out", predictions)
        if good:
            with open(predictions, newline="", encoding="latin-1") as file:
                rows = sum(1 for _ in csv.reader(file)) - 1
            self.expect(rows == images, what, f"{rows} predictions, expected {images}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("classes", "images", "names", "paths"))
    parser.add_argument("--dir", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/cpu/bin")
    options = parser.parse_args()
    if options.images < 1000 or options.images % 1000 != 0:
        parser.error(f"--images {options.images}: expected a multiple of 1000, as they are spread over 1000 classes")
    if options.dir is not None and not options.dir.is_dir():
        parser.error(f"--dir {options.dir}: no such folder")
    folder = os.fsencode(tempfile.mkdtemp(prefix="scimix-size-", dir=options.dir))
    try:
        sources = Sources(os.path.join(folder, b"sources"))
        check = Check(options.bin.resolve(), folder)
        data = os.path.join(folder, b"small")
        check.all_of("small", data, os.path.join(folder, b"small-run"), make_classes(data, sources, 4, 10), 4)
        small_works = not check.faults  # or else there is nothing to compare with
        print("| data set | command | images | seconds | peak MB | bytes for each image |\n"
              "| --- | --- | --- | --- | --- | --- |", flush=True)
        classes = {"classes": options.classes, "images": 1000, "names": 254, "paths": 4}
        makers = {
            "classes": lambda data: make_classes(data, sources, options.classes, 2),
            "images": lambda data: make_classes(data, sources, 1000, options.images // 1000),
            "names": lambda data: make_names(data, sources),
            "paths": lambda data: make_classes(data, sources, 4, 10),
        }
        for what, make in makers.items():
            if not small_works or options.only not in (None, what):
                continue
            data = os.path.join(folder, os.fsencode(what))
            run = os.path.join(folder, b"run")
            if what == "paths":  # the names within the folders need up to 60 bytes
                data = long_path(data, 4000)
                run = os.path.join(long_path(os.path.join(folder, b"runs"), 3990), b"run")
            check.all_of(what, data, run, make(data), classes[what])
            for part in (what.encode(), b"run", b"runs", b"image-cache"):
                shutil.rmtree(os.path.join(folder, part), ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for fault in check.faults:
        print(fault, file=sys.stderr)
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
