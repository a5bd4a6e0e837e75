"""Hybrids as a data set."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from scimix._core import Generator


class Hybrids:
    """A map-style data set of hybrids: item i is content image i in a scene that is drawn for it.

    PyTorch's DataLoader takes it as it is, also with several workers. SciMix does not need PyTorch.

    generator: a run folder or checkpoint of `scimix_train generator`. Each process loads it when it needs it.
    images: content images, uint8 [N,R,R,3] with the generator's R.
    labels: classes of the images, [N], or None. A hybrid has the class of its content image: -1 if nobody has
        labelled that.
    scenes: images whose scenes are taken, [M,R,R,3], labelled or not; None: `images`.
    length: number of hybrids. More than N: each image is mixed with several scenes. None: N.
    seed: which scenes are drawn. The same seed and item give the same hybrid.
    transform: a function of one hybrid, uint8 [R,R,3]; its result is the item's image.
    device: auto, cpu or cuda:N. A worker that was forked can only use the CPU.
    """

    def __init__(
        self,
        generator: str | os.PathLike[str],
        images: NDArray[numpy.uint8],
        labels: Sequence[int] | NDArray[Any] | None = None,
        *,
        scenes: NDArray[numpy.uint8] | None = None,
        length: int | None = None,
        seed: int = 0,
        transform: Callable[[NDArray[numpy.uint8]], Any] | None = None,
        device: str = "cpu",
    ) -> None:
        self._path = os.fspath(generator)
        self._images = numpy.asarray(images)
        self._scenes = self._images if scenes is None else numpy.asarray(scenes)
        self._labels = None if labels is None else numpy.asarray(labels)
        self._length = len(self._images) if length is None else int(length)
        self._seed = seed
        self._transform = transform
        self._device = device
        self._loaded: Generator | None = None
        self._check()

    def _check(self) -> None:
        for name, array in (("images", self._images), ("scenes", self._scenes)):
            if array.dtype != numpy.uint8 or array.ndim != 4 or array.shape[-1] != 3 or len(array) == 0:
                raise ValueError(
                    f"{name}: found {array.dtype} {list(array.shape)}, expected uint8 [N,R,R,3] with N > 0"
                )
        if self._labels is not None and self._labels.shape != (len(self._images),):
            raise ValueError(
                f"labels: found shape {list(self._labels.shape)}, expected [{len(self._images)}], one per image"
            )
        if self._length < 0:
            raise ValueError(f"length: found {self._length}, expected at least 0")

    def __len__(self) -> int:
        return self._length

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}  # another process loads the generator itself

    def _generator(self) -> Generator:
        if self._loaded is None:
            self._loaded = Generator.load(self._path, self._device)
        return self._loaded

    def pair(self, index: int) -> tuple[int, int]:
        """Return the numbers of the content image and of the scene image of an item."""
        if not -self._length <= index < self._length:
            raise IndexError(f"item {index} of a data set of {self._length} hybrids")
        index %= self._length
        random = numpy.random.default_rng((self._seed, index))
        return index % len(self._images), int(random.integers(len(self._scenes)))

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Return several items. PyTorch's DataLoader calls this for a batch, which is computed at once."""
        pairs = [self.pair(int(index)) for index in indices]
        content = [c for c, _ in pairs]
        hybrids = self._generator().mix(self._images[content], self._scenes[[s for _, s in pairs]])
        images = list(hybrids) if self._transform is None else [self._transform(h) for h in hybrids]
        if self._labels is None:
            return images
        return [(image, int(self._labels[c])) for image, c in zip(images, content, strict=True)]

    def __getitem__(self, index: int) -> Any:
        """Return a hybrid, uint8 [R,R,3] (or what `transform` makes of it); with labels (hybrid, label)."""
        return self.__getitems__([index])[0]
