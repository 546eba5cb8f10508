"""What a network expects at its input, and how that is told from its weights."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from engine.errors import WeightsConventionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Layers: TypeAlias = "dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]"
"""Convolution name to kernel (out, in, 3, 3) and bias (out,)."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Convention:
    """Input of a network: (channels in `order`, 0 to `range`, minus `mean`) over `scale`.

    Attributes:
        order: of the channels; `mean` and `scale` have the same.
        range: of the picture before `mean` is taken off: 255 or 1.
        mean: taken off, in units of `range`.
        scale: divided by, after that.
    """

    order: Literal["BGR", "RGB"]
    range: float
    mean: Triple
    scale: Triple


CONVENTIONS: Final = MappingProxyType(
    {
        "oxford-bgr": Convention("BGR", 255.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
        "oxford-rgb": Convention("RGB", 255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
        "torchvision": Convention("RGB", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
)
"""The Oxford weights as they were published, the same with the first kernel turned to RGB (as the
MXNet conversions of that time have it), and the re-trainings of torchvision and the model zoo."""


class Recognised(NamedTuple):
    """A convention and how it was told.

    Attributes:
        name: a key of `CONVENTIONS`.
        how: ``values``: by the numbers in conv1_1; ``names``: by the names in the file, which are
            those that re-trainings have; ``person``: somebody said so.
    """

    name: str
    how: Literal["values", "names", "person"]


# The second filter of the Oxford conv1_1, to 3 digits, as blue, green, red (3 x 3 each): it looks
# for one colour against another, so that red and blue cannot be taken for each other.
_FILTER: Final = 1
_KERNEL: Final = (
    (0.096, 0.134, 0.065, 0.134, 0.185, 0.080, 0.101, 0.141, 0.066),
    (0.034, 0.053, -0.007, 0.057, 0.089, -0.007, 0.039, 0.060, -0.006),
    (-0.084, -0.079, -0.116, -0.080, -0.062, -0.134, -0.078, -0.071, -0.115),
)
_BIASES: Final = (0.730, 0.065, 0.034, 0.826, 0.258, 0.549, -0.012, 0.348)
_LIKENESS: Final = 0.05  # relative distance; 8-bit copies are off by 0.01, other networks by 1


def recognise(layers: Layers, named: str | None, *, retrained_names: bool) -> Recognised:
    """Tell the convention of a set of layers.

    The Oxford weights (Simonyan and Zisserman 2015) are known by their values, in either order of
    channels; everything else by the names of its arrays, or because somebody says what it is.

    Args:
        layers: what was read.
        named: what a person says it is, a key of `CONVENTIONS`; None if nobody says.
        retrained_names: whether the names in the file are those of torchvision or the model zoo.

    Raises:
        WeightsConventionError: it cannot be told, or the person is wrong for sure.
    """
    if named is not None and named not in CONVENTIONS:
        raise WeightsConventionError(
            f"There is no convention {named!r}. Use --convention {_choices()}."
        )
    seen = _oxford_order(layers)
    if seen is not None:
        return _agreed(seen, named)
    if named is not None:
        return Recognised(named, "person")
    if retrained_names:
        return Recognised("torchvision", "names")
    raise WeightsConventionError(
        "These are not the original Oxford weights, and the file does not say on what input they "
        f"were trained. Say it: --convention {_choices()}."
    )


def _agreed(seen: str, named: str | None) -> Recognised:
    if named not in (None, seen):
        raise WeightsConventionError(
            f"These are the original Oxford weights with the input {seen}, not {named}: the values "
            "in the file say so. Leave --convention out."
        )
    return Recognised(seen, "values")


def _oxford_order(layers: Layers) -> str | None:
    import numpy as np  # noqa: PLC0415 - the manifest's readers have no arrays to look at

    kernel, bias = layers["conv1_1"]
    expected = np.reshape(_KERNEL, (3, 3, 3))
    if not _alike(bias[: len(_BIASES)], np.asarray(_BIASES)):
        return None
    if _alike(kernel[_FILTER], expected):
        return "oxford-bgr"
    return "oxford-rgb" if _alike(kernel[_FILTER], expected[::-1]) else None


def _alike(values: NDArray[np.float32], expected: NDArray[np.float64]) -> bool:
    import numpy as np  # noqa: PLC0415 - as above

    distance = float(np.linalg.norm(values.astype(np.float64) - expected))
    return distance < _LIKENESS * float(np.linalg.norm(expected))


def _choices() -> str:
    return "|".join(CONVENTIONS)
