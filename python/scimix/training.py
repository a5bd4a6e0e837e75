"""Training runs."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from scimix import _core
from scimix._settings import as_arguments
from scimix.run import Run

Config = Mapping[str, Any] | str | os.PathLike[str]
Progress = Callable[[dict[str, float]], object]


def _arguments(config: Config, settings: Mapping[str, Any]) -> list[str]:
    if isinstance(config, Mapping):
        return as_arguments({**config, **settings})
    return as_arguments({"config": config, **settings})


def _train(kind: str, config: Config, on_progress: Progress | None, verbose: bool, settings: Mapping[str, Any]) -> Run:
    result = _core.train(kind, _arguments(config, settings), on_progress, verbose)
    return Run(result["folder"])


def train_generator(
    config: Config = {}, *, on_progress: Progress | None = None, verbose: bool = False, **settings: Any
) -> Run:
    """Train a generator, as `scimix_train generator` does, and return its run.

    config: settings by their names in docs/settings.md, with hyphens or underscores, or the path of a
        configuration file. The presets are found from any folder: "configs/generators/digits.toml".
    settings: more settings, which override `config`; one that is None has its default. `resume` resumes the run in
        a folder.
    on_progress: is called with a dictionary of `step` and the numbers that were just logged. An exception in it
        ends the run, which writes a checkpoint first. If the run trains a guide, the guide's numbers come first.
    verbose: print what scimix_train prints.

    Raises ValueError for a mistake in settings or data, and KeyboardInterrupt after Ctrl-C, when a checkpoint was
    written. The interpreter's lock is released, so that other threads can run during the training.
    """
    return _train("generator", config, on_progress, verbose, settings)


def train_classifier(
    config: Config = {}, *, on_progress: Progress | None = None, verbose: bool = False, **settings: Any
) -> Run:
    """Train a classifier, as `scimix_train classifier` does, and return its run.

    The arguments and exceptions are those of `train_generator`. If the settings name a generator that does not exist
    yet (`generator_config`), it is trained first, and its numbers are not given to `on_progress`. Without test images
    (`test="none"`), no accuracy is measured, and the metrics have no `test_accuracy`.
    """
    return _train("classifier", config, on_progress, verbose, settings)
