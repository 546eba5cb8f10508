"""Everything that the engine can raise on purpose.

::

    EngineError
    ├── RecipeError            a recipe that makes no sense, before the work starts
    ├── PictureError           an array that is no picture (shape, dtype, values, size)
    │   └── GuideError             a mask or labels of regions that cannot be used
    ├── DivergedError          the loss is no number, after it blew up before; it would be noise
    ├── DeviceError            the device that was asked for cannot be used
    ├── SnapshotError          a painting cannot be gone on with from what was saved of it
    └── WeightsError
        ├── WeightsMissingError    there is no file of weights where one is expected
        ├── WeightsFileError       truncated, no weights, wrong shapes, non-finite, layers missing
        ├── WeightsHashError       the file is not the one that its manifest or its source promises
        ├── WeightsConventionError the input convention cannot be told: it has to be named
        └── WeightsFetchError      the package registry could not be reached or gave something else

Each message is one or two sentences and says what to do. All of them survive pickling, because
they cross a process boundary: construct them with the message alone.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of all errors that the engine raises on purpose."""


class RecipeError(EngineError):
    """A recipe that makes no sense or asks for what this engine cannot do."""


class PictureError(EngineError):
    """An array that is no picture: wrong shape, wrong dtype, non-finite or too small."""


class GuideError(PictureError):
    """A mask or a picture of labels that is none, or from which nothing can be made."""


class DivergedError(EngineError):
    """The loss blew up or was no number, the picture was rolled back, and it is no number again."""


class DeviceError(EngineError):
    """The device that was asked for is not there, or MXNet's wheels hold no code for it."""


class SnapshotError(EngineError):
    """What was saved of a painting is damaged, or belongs to another one.

    The message is the end of a sentence: why it is of no use. The picture is begun anew then.
    """


class WeightsError(EngineError):
    """Base of everything that can be wrong with the trained weights."""


class WeightsMissingError(WeightsError):
    """No weights where they are expected."""


class WeightsFileError(WeightsError):
    """A file that does not hold a whole, finite VGG-19."""


class WeightsHashError(WeightsError):
    """A file whose SHA-256 is not the promised one."""


class WeightsConventionError(WeightsError):
    """The input convention (channel order, range, mean, scale) cannot be told from the file."""


class WeightsFetchError(WeightsError):
    """The weights could not be fetched from the package registry."""
