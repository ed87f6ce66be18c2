"""Checks at the door: each returns an argument as an array, or names what is wrong with it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def real(name: str, value: ArrayLike, shape: Sequence[int | None] | None) -> Floats:
    """Return finite float64 numbers of the given shape; a length of None is any of at least one.

    Shapes: `shape` itself may be None, for any. Errors: ValueError with the argument's name and shape where a
    length differs, an axis is empty, a number is not finite, or what is given are no real numbers at all
    (ragged rows, strings, complex numbers, objects).

    >>> real("scores", [[1, 2]], (None, 2))
    array([[1., 2.]])
    """
    array = _floats(name, value)
    if shape is not None:
        _shaped(name, array, shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} of shape {array.shape} must be finite")
    return array


def at_least_zero(name: str, value: ArrayLike, shape: Sequence[int | None] | None) -> Floats:
    """Return finite numbers >= 0 of the given shape. Errors: as `real`, and for negative numbers.

    >>> at_least_zero("clicks", [0, 2], (None,))
    array([0., 2.])
    """
    array = real(name, value, shape)
    if array.min(initial=0.0) < 0:
        raise ValueError(f"{name} of shape {array.shape} must not be negative")
    return array


def propensities(name: str, value: ArrayLike, shape: Sequence[int | None]) -> Floats:
    """Return probabilities in (0, 1] of the given shape: what is divided by must not be zero.

    Errors: as `real`, and for numbers outside (0, 1].

    >>> propensities("examination", [1.0, 0.5], (None,))
    array([1. , 0.5])
    """
    array = real(name, value, shape)
    if array.size and not (array.min() > 0 and array.max() <= 1):
        raise ValueError(f"{name} of shape {array.shape} must lie within (0, 1]")
    return array


def labels(name: str, value: ArrayLike, size: int | None, count: int) -> Ints:
    """Return integer labels [size] within [0, count), of groups, providers or clusters.

    Errors: ValueError where they are no integers, have another length, or lie outside.

    >>> labels("groups", [0, 1, 1], 3, 2)
    array([0, 1, 1])
    """
    array = np.asarray(value)
    _shaped(name, array, (size,))
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= count:
        raise ValueError(f"{name} of shape {array.shape} must be integers within [0, {count})")
    return array.astype(np.int64, copy=False)


def flags(name: str, value: ArrayLike, shape: Sequence[int | None]) -> Bools:
    """Return booleans of the given shape. Errors: ValueError for another shape or other values.

    >>> flags("liked", [[True, False]], (1, 2))
    array([[ True, False]])
    """
    array = np.asarray(value)
    _shaped(name, array, shape)
    if array.dtype.kind != "b":
        raise ValueError(f"{name} of shape {array.shape} must be boolean, not {array.dtype}")
    return array


def within(name: str, value: float, low: float, high: float) -> float:
    """Return a number within [low, high], both included. Errors: ValueError outside it and for NaN.

    >>> within("share", 0.1, 0, 1)
    0.1
    """
    if not low <= value <= high:
        raise ValueError(f"{name} must lie within [{low:g}, {high:g}], shape (): {value}")
    return value


def whole(name: str, value: object, low: int) -> int:
    """Return an integer of at least `low`. Errors: ValueError for less, for floats (even whole) and booleans.

    >>> whole("top", 3, 1)
    3
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} must be an integer >= {low}, shape (): {value!r}")
    return int(value)


def broadcast(**named: NDArray[np.generic]) -> tuple[int, ...]:
    """Return the common shape of arrays that broadcast. Errors: ValueError with the names and shapes.

    >>> broadcast(level=np.zeros((2, 1)), strength=np.zeros(3))
    (2, 3)
    """
    try:
        return np.broadcast(*named.values()).shape
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in named.items())
        raise ValueError(f"shapes must broadcast: {shapes}") from None


def finite_result(name: str, value: Floats) -> Floats:
    """Return a result unless it overflowed. Errors: ValueError with the name of what was too large and its shape.

    >>> finite_result("scores", np.ones(1))
    array([1.])
    """
    if not np.isfinite(value).all():
        raise ValueError(f"{name} of shape {value.shape} is too large: the result is not finite")
    return value


def _floats(name: str, value: ArrayLike) -> Floats:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        size = len(value) if isinstance(value, Sequence) else "?"
        raise ValueError(f"{name} must be an array of real numbers, shape ({size}, ragged)") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} of shape {array.shape} must be real numbers, not {array.dtype}")
    return array.astype(np.float64, copy=False)


def _shaped(name: str, array: NDArray[np.generic], shape: Sequence[int | None]) -> None:
    fits = array.ndim == len(shape) and all(
        size > 0 if wanted is None else size == wanted for size, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any >= 1" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got shape {array.shape}")
