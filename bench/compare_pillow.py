#!/usr/bin/env python3
"""Compares the speed of strong augmentation with Pillow's, the library that PyTorch programs of
FixMatch call in the workers of their data loaders.

  pip install pillow numpy
  bench/compare_pillow.py --bench build/cpu/bin/scimix_bench

Both sides make the network's input of a batch from 8-bit images in memory: flip and crop, two
operations of RandAugment with probability 1/2 each, Cutout, x/127.5 - 1. Ours runs with as many
threads as Pillow has processes. Each of Pillow's processes works on batches of its own, with no
exchange between them, and seconds are per batch over all processes together. Both run in turn,
several rounds, on the machine's cores; the ratio is taken within each round.

That the operations give the same pixels is tested in tests/test_image_operations.cpp.
"""
import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no folder of compiled scripts among the sources
from contender import require_bench

BATCH, SIZE = 448, 32
FILL = (127, 127, 127)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", default="build/cpu/bin/scimix_bench", help="our program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=10, help="per process of Pillow and round")
    parser.add_argument("--workers", type=int, default=2, help="our threads, Pillow's processes")
    parser.add_argument("--json", help="also write all figures to this file")
    return parser.parse_args()


def make_operations():
    """Functions of image and level 1..9, with the default table of magnitudes."""
    from PIL import Image, ImageEnhance, ImageOps

    nearest = Image.Resampling.NEAREST

    def affine(image, matrix):
        return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=nearest,
                               fillcolor=FILL)

    def signed(value):
        return -value if random.random() < 0.5 else value

    def enhance(kind):
        return lambda image, level: kind(image).enhance(0.05 + 0.09 * level)

    def shift(level):
        return signed(3 * level * SIZE // 100)

    return [
        lambda image, level: ImageOps.autocontrast(image),
        enhance(ImageEnhance.Brightness),
        enhance(ImageEnhance.Color),
        enhance(ImageEnhance.Contrast),
        lambda image, level: ImageOps.equalize(image),
        lambda image, level: image,
        lambda image, level: ImageOps.posterize(image, 4 + 4 * level // 10),
        lambda image, level: image.rotate(signed(3 * level), resample=nearest, fillcolor=FILL),
        enhance(ImageEnhance.Sharpness),
        lambda image, level: affine(image, (1, signed(0.03 * level), 0, 0, 1, 0)),
        lambda image, level: affine(image, (1, 0, 0, signed(0.03 * level), 1, 0)),
        lambda image, level: ImageOps.solarize(image, 256 - 256 * level // 10),
        lambda image, level: affine(image, (1, 0, shift(level), 0, 1, 0)),
        lambda image, level: affine(image, (1, 0, 0, 0, 1, shift(level))),
    ]


def augment(pixels, reflected, operations, out):
    """One image u8 [H,W,3] to the network's input; `reflected`: indices of a padded line."""
    import numpy
    from PIL import Image

    y, x = random.randrange(9), random.randrange(9)
    crop = pixels[reflected[y:y + SIZE, None], reflected[x:x + SIZE]]
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    image = Image.fromarray(numpy.ascontiguousarray(crop))
    for _ in range(2):
        operation = random.choice(operations)
        level = random.randrange(1, 10)
        if random.random() < 0.5:
            image = operation(image, level)
    numpy.divide(numpy.asarray(image), numpy.float32(127.5), out=out)
    out -= 1
    y, x = random.randrange(SIZE), random.randrange(SIZE)
    out[max(0, y - 8):y + 8, max(0, x - 8):x + 8] = 0


def work(batches, start, results):
    import numpy

    operations = make_operations()
    reflected = numpy.pad(numpy.arange(SIZE), 4, mode="reflect")
    images = numpy.random.default_rng(0).integers(0, 256, (BATCH, SIZE, SIZE, 3), numpy.uint8)
    out = numpy.empty((BATCH, SIZE, SIZE, 3), numpy.float32)

    def run():
        for image, target in zip(images, out):
            augment(image, reflected, operations, target)

    run()
    start.wait()
    begin = time.perf_counter()
    for _ in range(batches):
        run()
    results.put((time.perf_counter() - begin) / batches)


def time_pillow(arguments):
    """Seconds per batch, all processes together."""
    start = multiprocessing.Barrier(arguments.workers)
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(arguments.batches, start, results))
               for _ in range(arguments.workers)]
    for worker in workers:
        worker.start()
    seconds = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return 1 / sum(1 / s for s in seconds)


def time_ours(arguments, folder):
    path = os.path.join(folder, "bench.json")
    command = [arguments.bench, "--device", "cpu", "--min-time", "0.5", "--json", path, "--filter",
               f"augment strong: batch {BATCH}, {SIZE} px$"]
    # Threads that wait do not spin for long: beside other programs on the cores they would spin
    # against each other.
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.workers), GOMP_SPINCOUNT="1000")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    with open(path, encoding="utf-8") as file:
        return json.load(file)["results"][0]["median_s"]


def main():
    arguments = parse_arguments()
    try:
        import numpy
        import PIL
    except ImportError:
        sys.exit("compare_pillow.py: no Pillow or NumPy here, expected `pip install pillow numpy`")
    require_bench(arguments.bench)
    print(f"Pillow {PIL.__version__}, NumPy {numpy.__version__}, processes: {arguments.workers}; "
          f"{BATCH} images of {SIZE}x{SIZE}", flush=True)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            ours = time_ours(arguments, folder)
            pillow = time_pillow(arguments)
            rounds.append({"ours_s": ours, "pillow_s": pillow, "ratio": pillow / ours})
            print(f"ours {1e3 * ours:.2f} ms, Pillow {1e3 * pillow:.1f} ms, ratio "
                  f"{pillow / ours:.1f}", flush=True)
    ratios = sorted(entry["ratio"] for entry in rounds)
    medians = [statistics.median(entry[key] for entry in rounds) for key in ("pillow_s", "ours_s")]
    print(f"Pillow's time over ours: ratio of the medians of {len(rounds)} rounds "
          f"{medians[0] / medians[1]:.1f} (rounds: {ratios[0]:.1f} to {ratios[-1]:.1f})")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"pillow": PIL.__version__, "rounds": rounds}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
