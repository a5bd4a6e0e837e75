"""Settings as the words of a command line."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return os.fsdecode(value) if isinstance(value, str | bytes | os.PathLike) else str(value)


def as_arguments(settings: Mapping[str, Any]) -> list[str]:
    """Return the options of settings, whose names may have underscores in place of hyphens.

    A setting that is None has its default.
    """
    return [f"--{name.replace('_', '-')}={_text(value)}" for name, value in settings.items() if value is not None]
