"""The folder of a training run."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray


class Run:
    """A run of scimix_train, scimix.train_generator or scimix.train_classifier, finished or not.

    folder: the run's folder. Raises ValueError if it holds no run.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not (self.folder / "config.toml").is_file():
            raise ValueError(f"folder: no run in {self.folder}, expected a folder with a config.toml")

    def __repr__(self) -> str:
        return f"scimix.Run({str(self.folder)!r})"

    @property
    def config(self) -> dict[str, Any]:
        """All settings of the run, by name."""
        with open(self.folder / "config.toml", "rb") as file:
            return tomllib.load(file)

    @property
    def report(self) -> Path:
        """The report of the run, which exists when the run is finished."""
        return self.folder / "report.html"

    @property
    def metrics(self) -> dict[str, NDArray[numpy.float64]]:
        """The logged numbers: an array per name, all of one length, NaN where a number was not logged.

        `step` counts the training steps, `time` is in seconds since 1970, accuracies are from 0 to 1.
        A run that is going on may have written half of its last line, which is left out. Another line that is
        no JSON raises ValueError.
        """
        records = []
        path = self.folder / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        for number, line in enumerate(lines, start=1):
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                if number < len(lines):
                    raise ValueError(f"{path}: line {number} is no JSON: {error}") from error
        names = dict.fromkeys(name for record in records for name in record)
        none = float("nan")
        return {
            name: numpy.array(
                [none if record.get(name) is None else record[name] for record in records], dtype=numpy.float64
            )
            for name in names
        }

    def plot(self, *names: str, axes: Any = None) -> Any:
        """Draw metrics over the steps, and return the Matplotlib axes. This needs Matplotlib.

        names: what is drawn; without any, all losses and accuracies.
        axes: where it is drawn; None: new axes.
        """
        metrics = self.metrics
        unknown = [name for name in names if name not in metrics]
        if unknown:
            raise ValueError(f"names: found {unknown[0]!r}, expected one of {', '.join(metrics)}")
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.figure().subplots()
        apart = ("step", "time", "learning_rate", "epoch")
        for name in names or [name for name in metrics if name not in apart]:
            there = ~numpy.isnan(metrics[name])
            axes.plot(metrics["step"][there], metrics[name][there], label=name)
        axes.set_xlabel("step")
        axes.legend()
        return axes
