#!/usr/bin/env python3
"""Applies image operations with Pillow: the oracle of kernels/image/image_operations.hpp.

  pillow_operations.py WIDTH IMAGES.png CASES.txt RESULTS.png

IMAGES.png holds images of WIDTH pixels side by side. A line of CASES.txt is an operation, by the
name that RandAugment's papers use, and its argument (kernels/image/strong_augment.hpp says in what units);
what follows '#' is a comment. RESULTS.png has a row of results for each case. Pixels from outside
the image are grey, 127.

tests/test_image_operations.cpp compares with pillow_results.png, which was made by

  pillow_operations.py 28 pillow_images.png pillow_cases.txt pillow_results.png

with Pillow 13.0.0 (9.4.0 writes the same pixels), and, where Pillow and CIFAR-10 are at hand, runs
this script on real images. `--images docs/digits.png pillow_images.png` makes the images: one of that
file's synthetic digits, and noise in few values beside ramps.
"""
import math
import random
import sys

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

HEIGHT, WIDTH = 24, 28
FILL = (127, 127, 127)


def affine(image, matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix,
                           resample=Image.Resampling.NEAREST, fillcolor=FILL)


OPERATIONS = {
    "AutoContrast": lambda image, _: ImageOps.autocontrast(image),
    "Brightness": lambda image, factor: ImageEnhance.Brightness(image).enhance(factor),
    "Color": lambda image, factor: ImageEnhance.Color(image).enhance(factor),
    "Contrast": lambda image, factor: ImageEnhance.Contrast(image).enhance(factor),
    "Equalize": lambda image, _: ImageOps.equalize(image),
    "Identity": lambda image, _: image,
    "Posterize": lambda image, bits: ImageOps.posterize(image, int(bits)),
    "Rotate": lambda image, degrees: image.rotate(degrees, resample=Image.Resampling.NEAREST,
                                                  fillcolor=FILL),
    "Sharpness": lambda image, factor: ImageEnhance.Sharpness(image).enhance(factor),
    "ShearX": lambda image, slope: affine(image, (1, slope, 0, 0, 1, 0)),
    "ShearY": lambda image, slope: affine(image, (1, 0, 0, slope, 1, 0)),
    "Solarize": lambda image, threshold: ImageOps.solarize(image, threshold),
    "TranslateX": lambda image, pixels: affine(image, (1, 0, pixels, 0, 1, 0)),
    "TranslateY": lambda image, pixels: affine(image, (1, 0, 0, 0, 1, pixels)),
}


def read_cases(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].split() for line in file]
    return [(line[0], float(line[1])) for line in lines if line]


def split(strip, width):
    return [strip.crop((x, 0, x + width, strip.height)) for x in range(0, strip.width, width)]


def apply_cases(width, images_path, cases_path, results_path):
    strip = Image.open(images_path).convert("RGB")
    images = split(strip, width)
    cases = read_cases(cases_path)
    results = Image.new("RGB", (strip.width, strip.height * len(cases)))
    for row, (operation, argument) in enumerate(cases):
        for column, image in enumerate(images):
            results.paste(OPERATIONS[operation](image, argument),
                          (column * width, row * strip.height))
    results.save(results_path, compress_level=9 if len(images) < 10 else 1)


def make_images(digits_path, path):
    scale, stride, row, column = 2, 66, 2, 8  # the blue 4; images of 32x32, twice as large, gaps of 2
    digit = Image.open(digits_path).convert("RGB")
    noise = random.Random(0)
    result = Image.new("RGB", (2 * WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            at = (column * stride + scale * (x + 2), row * stride + scale * (y + 4))
            result.putpixel((x, y), digit.getpixel(at))
            # Ranges that AutoContrast stretches to many whole numbers, where rounding shows.
            lows = (42, 53, 31)
            rough = tuple(low + noise.choice((0, 1, 60, 170, 187)) for low in lows)
            ramp = tuple(low + (7 * x + (3 + c) * y) % 188 for c, low in enumerate(lows))
            result.putpixel((WIDTH + x, y), rough if x < WIDTH // 3 else ramp)
    result.save(path, compress_level=9)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--images":
        make_images(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 5:
        apply_cases(int(sys.argv[1]), *sys.argv[2:])
    else:
        sys.exit("pillow_operations.py: expected WIDTH IMAGES.png CASES.txt RESULTS.png")


if __name__ == "__main__":
    main()
