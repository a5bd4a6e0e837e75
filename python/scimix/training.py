"""Training runs."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from scimix import _core
from scimix.run import Run

Config = Mapping[str, Any] | str | os.PathLike[str]
Progress = Callable[[dict[str, float]], object]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return os.fsdecode(value) if isinstance(value, str | bytes | os.PathLike) else str(value)


def _arguments(config: Config, settings: Mapping[str, Any]) -> list[str]:
    arguments = []
    if not isinstance(config, Mapping):
        arguments.append(f"--config={os.fspath(config)}")
        config = {}
    for name, value in {**config, **settings}.items():
        arguments.append(f"--{name.replace('_', '-')}={_text(value)}")
    return arguments


def _train(kind: str, config: Config, on_progress: Progress | None, verbose: bool, settings: Mapping[str, Any]) -> Run:
    result = _core.train(kind, _arguments(config, settings), on_progress, verbose)
    return Run(result["folder"])


def train_generator(
    config: Config = {}, *, on_progress: Progress | None = None, verbose: bool = False, **settings: Any
) -> Run:
    """Train a generator, as `scimix_train generator` does, and return its run.

    config: settings by their names in docs/settings.md, with hyphens or underscores, or the path of a
        configuration file. Presets are found without their folder: "configs/generators/digits.toml".
    settings: more settings, which are stronger than `config`; `resume` goes on with a run.
    on_progress: is called with a dictionary of `step` and the numbers that were just logged. An exception in it
        ends the run, which writes a checkpoint first. With a guide, the numbers of its training come first.
    verbose: print what scimix_train prints.

    Raises ValueError for a mistake in settings or data, and KeyboardInterrupt after Ctrl-C, when a checkpoint was
    written. The interpreter's lock is released, so that other threads run meanwhile.
    """
    return _train("generator", config, on_progress, verbose, settings)


def train_classifier(
    config: Config = {}, *, on_progress: Progress | None = None, verbose: bool = False, **settings: Any
) -> Run:
    """Train a classifier, as `scimix_train classifier` does, and return its run.

    The arguments and exceptions are those of `train_generator`.
    """
    return _train("classifier", config, on_progress, verbose, settings)
