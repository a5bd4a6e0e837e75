"""Trains a small classifier and a small generator on drawn digits, mixes images and looks at the result.

The first part is the job of examples/train_digits.cpp. All of it takes less than a minute on two cores.
Usage: train_digits.py [FOLDER]
"""

# %% Digits are drawn, so no download is needed.
import sys
import tempfile
from pathlib import Path

import numpy

import scimix

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
sizes = {"image-size": 16, "digits-train": 2000, "digits-test": 400}
small = {"dataset": "digits", **sizes, "depth": 10, "width": 1, "device": "cpu"}

# %% A classifier. `on_progress` is called with the numbers that are logged. Averages over hundreds of steps, the
# defaults, are too long for a run of 300 steps.
short = {"steps": 300, "ema-decay": 0.95, "norm-momentum": 0.05, "learning-rate": 0.1, "log-every": 50}
classifier_run = scimix.train_classifier(
    {**small, **short, "method": "supervised", "labels": "all", "batch": 64, "out": folder / "classifier"},
    on_progress=lambda numbers: print({name: round(value, 4) for name, value in numbers.items()}),
)
accuracy = classifier_run.metrics["test_accuracy"]
print(f"test accuracy {100 * accuracy[~numpy.isnan(accuracy)][-1]:.1f}%")

# %% Its answers to the test images.
digits = scimix.load_dataset("digits", size=16, digits_train=2000, digits_test=400)
logits = scimix.Classifier.load(classifier_run.folder)(digits.test.images)
print(f"right by its logits: {100 * numpy.mean(logits.argmax(axis=1) == digits.test.labels):.1f}%")

# %% A generator of a few steps, which shows the calls: a good one takes longer.
generator_run = scimix.train_generator(
    {**small, "guide-steps": 0, "batch": 8, "steps": 10, "g-channels": 8, "d-channels": 8, "out": folder / "generator"}
)
generator = scimix.Generator.load(generator_run.folder)
hybrids = generator.mix(digits.test.images[:100], digits.test.images[100:200])
print(f"{len(hybrids)} hybrids, {hybrids.dtype} {hybrids.shape}")

# %% Hybrids as a data set, which torch.utils.data.DataLoader takes as it is.
dataset = scimix.Hybrids(generator_run.folder, digits.train.images, digits.train.labels)
image, label = dataset[0]
print(f"{len(dataset)} items; the first is {image.shape}, of class {digits.class_names[label]}")
