"""What VGG-19 is made of, each forth and back: a convolution of 3x3, and a pooling of 2x2.

None of it is recorded by MXNet. Nobody asks for gradients of the weights, so the way back through a
convolution needs its kernel alone and that through an average nothing at all; and what is not
recorded can be written into arrays that are there (see `engine.shelf`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from engine.mx import Array, autograd, mx, nd

Size = tuple[int, int]

_HALVES: Final = (2, 2)
"""Window of a pooling, and its stride."""


_WORKSPACE: Final = 1024
"""MB that cuDNN may have to work in, as MXNet's convolutions have; transposed ones get half."""


class Layer(Protocol):
    """A convolution, which a ReLU follows, or a pooling."""

    @property
    def name(self) -> str:
        """Of the layer."""
        ...

    @property
    def rectified(self) -> bool:
        """Whether a ReLU follows."""
        ...

    def shape(self, source: Sequence[int]) -> tuple[int, ...]:
        """Of what it makes of maps of a shape."""
        ...

    def forth(self, source: Array, out: Array | None = None) -> Array:
        """What it makes of maps, before any ReLU; written into `out`, if that is given."""
        ...

    def back(
        self, gradient: Array, size: Size, out: Array | None = None, source: Array | None = None
    ) -> Array:
        """Gradient of what went in.

        Args:
            gradient: of what came out.
            size: height and width of what went in.
            out: where to write it.
            source: what went in; a pooling by the maximum cannot do without.
        """
        ...


@dataclass(frozen=True)
class Convolution:
    """A convolution of 3x3 with a bias.

    Attributes:
        name: of the layer.
        kernel: (out, in, 3, 3).
        bias: (out,).
        kernel_back: gives one of the same values for the way back, which that lays out for itself.
        pad: zeros around what goes in; with none the maps become smaller by one on each side.
    """

    name: str
    kernel: Array
    bias: Array
    kernel_back: Callable[[], Array]
    pad: int = 1
    rectified: bool = True

    def shape(self, source: Sequence[int]) -> tuple[int, ...]:
        """See `Layer`."""
        return 1, self.kernel.shape[0], *(side + 2 * self.pad - 2 for side in source[2:])

    def forth(self, source: Array, out: Array | None = None) -> Array:
        """See `Layer`."""
        # As in training: else oneDNN takes kernels whose layout those of the way back do not share.
        with autograd.train_mode():
            return nd.Convolution(
                source,
                self.kernel,
                self.bias,
                num_filter=self.kernel.shape[0],
                **self._window,
                out=out,
            )

    def back(
        self,
        gradient: Array,
        size: Size,  # noqa: ARG002 - known from the gradient's
        out: Array | None = None,
        source: Array | None = None,  # noqa: ARG002 - it is linear
    ) -> Array:
        """See `Layer`."""
        kernel = self.kernel_back()
        # A convolution that is transposed is its way back.
        return nd.Deconvolution(
            gradient,
            kernel,
            num_filter=kernel.shape[1],
            no_bias=True,
            workspace=_WORKSPACE,
            **self._window,
            out=out,
        )

    @property
    def _window(self) -> dict[str, Any]:
        return {"kernel": (3, 3), "pad": (self.pad, self.pad)}


@dataclass(frozen=True)
class Pooling:
    """A pooling of 2x2; an odd last row or column has no part in it.

    Attributes:
        name: of the layer.
        by: `avg` or `max`.
    """

    name: str
    by: str
    rectified: bool = False

    def shape(self, source: Sequence[int]) -> tuple[int, ...]:
        """See `Layer`."""
        return *source[:2], *(side // 2 for side in source[2:])

    def forth(self, source: Array, out: Array | None = None) -> Array:
        """See `Layer`."""
        return nd.Pooling(source, kernel=_HALVES, stride=_HALVES, pool_type=self.by, out=out)

    def back(
        self, gradient: Array, size: Size, out: Array | None = None, source: Array | None = None
    ) -> Array:
        """See `Layer`."""
        if self.by == "max":
            return slope(self.forth, source, gradient, out)
        return _averaged_back(gradient, size, out, source)


def slope(
    function: Callable[[Array], Array], source: Array, gradient: Array, out: Array | None = None
) -> Array:
    """Carry a gradient back through what has no way of its own here: MXNet records it.

    Args:
        function: of an array.
        source: what it was given.
        gradient: of its result.
        out: where to write it.

    Returns:
        Gradient of the source.
    """
    found = nd.empty(source.shape, ctx=source.context, dtype=source.dtype) if out is None else out
    source = source.detach()
    autograd.mark_variables([source], [found])
    with autograd.record():
        result = function(source)
    autograd.backward([result], [gradient])
    return found


def invoked(
    name: str, given: Sequence[Array], options: Mapping[str, object], out: Array | list[Array]
) -> Any:
    """Call an operator that MXNet has, but no name for it in Python.

    Args:
        name: of the operator.
        given: what it reads.
        options: its parameters.
        out: where it writes; several for an operator with several results.
    """
    handle = ctypes.c_void_p()
    mx.base.check_call(
        mx.base._LIB.NNGetOpHandle(name.encode(), ctypes.byref(handle))  # noqa: SLF001
    )
    invoke = mx.ndarray.register._imperative_invoke  # noqa: SLF001
    values = [str(value) for value in options.values()]
    return invoke(handle.value, list(given), list(options), values, out, False, False)


def _averaged_back(gradient: Array, size: Size, out: Array | None, source: Array | None) -> Array:
    """Each position of a window had a quarter.

    For that nothing is read of what went in and came out: the one says how the gradient is laid.
    """
    if out is None:
        shape = (*gradient.shape[:2], *size)
        out = nd.empty(shape, ctx=gradient.context, dtype=gradient.dtype)
    options = {"kernel": _HALVES, "stride": _HALVES, "pool_type": "avg"}
    came = out if source is None else source
    return invoked("_backward_Pooling", [gradient, came, gradient], options, out)
