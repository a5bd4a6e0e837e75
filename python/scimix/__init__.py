"""SciMix: swaps the semantic content of images, and trains classifiers with the swapped images.

    generator = scimix.Generator.load("runs/digits-generator")
    hybrids = generator.mix(content, scene)          # uint8 [N,R,R,3]
    logits = scimix.Classifier.load("runs/digits")(images)

docs/python.md has the whole interface.
"""

import os
from importlib.metadata import PackageNotFoundError, version

# Threads that wait for each other sleep after some microseconds, so that other programs get the cores.
# GNU's OpenMP library reads this when it is loaded. The same value as in core/threads.cpp.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from scimix._core import Classifier, Generator, use_threads
from scimix.data import Dataset, Images, load_dataset
from scimix.hybrids import Hybrids
from scimix.run import Run
from scimix.training import train_classifier, train_generator

try:
    __version__ = version("scimix")
except PackageNotFoundError:  # the package lies in a folder of sys.path without having been installed
    __version__ = "unknown"

__all__ = [
    "Classifier",
    "Dataset",
    "Generator",
    "Hybrids",
    "Images",
    "Run",
    "load_dataset",
    "train_classifier",
    "train_generator",
    "use_threads",
]
