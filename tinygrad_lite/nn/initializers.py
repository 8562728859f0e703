"""Initializers: the values of weights before training.

The outputs of a layer should have about the variance of its inputs; otherwise values vanish or explode in a deep
network. `VarianceScaling` draws numbers of variance `scale / n`, where `n` is the number of inputs, of outputs, or the
mean of both. The initializers of Glorot, He and LeCun are special cases of it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lite import random
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array
from tinygrad_lite.utils.names import holds, lookup
from tinygrad_lite.utils.settings import Checked
from tinygrad_lite.utils.types import Array, DTypeLike, Shape

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initializer", "LecunNormal",
    "LecunUniform", "Ones", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros",
    "get",
]  # fmt: skip


class Initializer(Checked):
    """The base class of initializers. Called with a shape, they return an array of initial weights.

    Parameters
    ----------
    seed : int, optional
        With a seed, the same shape gives the same numbers in every call. Without it, the numbers come from the
        generator that the layer passes, or from the default generator (see `tgl.random.set_seed`).

    Examples
    --------
    >>> class Checkerboard(Initializer):
    ...     def draw(self, shape, generator):
    ...         return np.indices(shape).sum(axis=0) % 2
    >>> Checkerboard()((2, 3))
    array([[0., 1., 0.],
           [1., 0., 1.]], dtype=float32)
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
            raise ValueError(f"Expected a seed that is an integer of at least 0, or None. Received: seed={seed!r}.")
        self.seed = seed

    def __call__(
        self, shape: Shape, dtype: DTypeLike | None = None, generator: np.random.Generator | None = None
    ) -> Array:
        """Make initial weights.

        Parameters
        ----------
        shape : tuple of int
        dtype : dtype, optional
            Default: float32.
        generator : numpy.random.Generator, optional
            The generator for an initializer without a seed.

        Returns
        -------
        ndarray of that shape and dtype
        """
        if self.seed is not None:
            generator = np.random.default_rng(self.seed)
        numbers = self.draw(tuple(shape), generator or random.default_stream())
        return np.asarray(numbers).astype("float32" if dtype is None else dtype, copy=False)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, taken from the attributes of the same names."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def draw(self, shape: Shape, generator: np.random.Generator) -> Array:
        """Draw numbers of the given shape. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(self, shape, generator).")


class Constant(Initializer):
    """The same number everywhere, or a given array.

    Parameters
    ----------
    value : float, Tensor or array-like
        An array must have the shape of the weights.

    Raises
    ------
    ValueError
        In a call: the shape of the array is not that of the weights.

    Examples
    --------
    >>> Constant(0.5)((2, 2))
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """

    def __init__(self, value: TensorLike = 0.0) -> None:
        super().__init__()
        self.value = np.array(as_array(value, like=np.dtype(np.float64)))

    def draw(self, shape: Shape, generator: np.random.Generator) -> Array:
        if self.value.ndim and self.value.shape != shape:
            raise ValueError(
                f"Expected initial weights of shape {shape}. Received: an array of shape={self.value.shape}. "
                "Give a single number, or an array of exactly that shape."
            )
        return np.array(np.broadcast_to(self.value, shape))


class Zeros(Constant):
    """Zeros.

    Examples
    --------
    >>> Zeros()((3,))
    array([0., 0., 0.], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Ones.

    Examples
    --------
    >>> Ones()((3,))
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__(1.0)


class RandomUniform(Initializer):
    """Numbers from the uniform distribution on [`minval`, `maxval`).

    Parameters
    ----------
    minval, maxval : float
    seed : int, optional

    Examples
    --------
    >>> weights = RandomUniform(0.0, 0.1, seed=1)((100, 100))
    >>> bool((weights >= 0).all() and (weights <= 0.1).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def draw(self, shape: Shape, generator: np.random.Generator) -> Array:
        return generator.uniform(self.minval, self.maxval, shape)


class RandomNormal(Initializer):
    """Numbers from the normal distribution.

    Parameters
    ----------
    mean, stddev : float
    seed : int, optional

    Examples
    --------
    >>> f"{RandomNormal(stddev=2.0, seed=1)((100, 100)).std():.1f}"
    '2.0'
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, shape: Shape, generator: np.random.Generator) -> Array:
        return generator.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """Like `RandomNormal`, but numbers more than two standard deviations from the mean are drawn again.

    Parameters
    ----------
    mean, stddev : float
        Mean and standard deviation of the distribution before it is truncated.
    seed : int, optional

    Examples
    --------
    >>> bool(abs(TruncatedNormal(stddev=1.0, seed=1)((100, 100))).max() <= 2)
    True
    """

    def draw(self, shape: Shape, generator: np.random.Generator) -> Array:
        z = np.asarray(generator.standard_normal(shape))
        while (outside := np.abs(z) > 2).any():
            z[outside] = generator.standard_normal(int(outside.sum()))
        return self.mean + self.stddev * z


_FANS: dict[str, Callable[[float, float], float]] = {
    "fan_in": lambda inputs, outputs: inputs,
    "fan_out": lambda inputs, outputs: outputs,
    "fan_avg": lambda inputs, outputs: (inputs + outputs) / 2,
}

_TRUNCATED_STDDEV = 0.87962566103423978  # of the standard normal distribution, truncated at ±2


_DISTRIBUTIONS: dict[str, Callable[[float], Initializer]] = {  # each has the given standard deviation
    "uniform": lambda stddev: RandomUniform(-math.sqrt(3) * stddev, math.sqrt(3) * stddev),
    "untruncated_normal": lambda stddev: RandomNormal(0.0, stddev),
    "truncated_normal": lambda stddev: TruncatedNormal(0.0, stddev / _TRUNCATED_STDDEV),
}


class VarianceScaling(Initializer):
    """Random numbers around zero with variance `scale / n`.

    Parameters
    ----------
    scale : float
        Positive.
    mode : {"fan_in", "fan_out", "fan_avg"}
        `n` is the number of inputs, of outputs, or the mean of both.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
    seed : int, optional

    Raises
    ------
    ValueError
        An argument has another value.

    Examples
    --------
    >>> weights = VarianceScaling(scale=2.0, seed=1)((1000, 50))
    >>> f"{weights.var() * 1000:.1f}"
    '2.0'
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        if not holds(lambda x: x > 0, scale):
            raise ValueError(f"VarianceScaling expected a positive scale. Received: scale={scale!r}.")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self._entries()  # raises for unknown names

    def _entries(self) -> tuple[Callable[[float, float], float], Callable[[float], Initializer]]:
        return (
            lookup("mode of VarianceScaling", _FANS, self.mode),
            lookup("distribution of VarianceScaling", _DISTRIBUTIONS, self.distribution),
        )

    def draw(self, shape: Shape, generator: np.random.Generator) -> Array:
        fan, distribution = self._entries()
        variance = self.scale / max(1.0, fan(*_fans(shape)))
        return distribution(math.sqrt(variance)).draw(shape, generator)


def _fans(shape: Shape) -> tuple[int, int]:
    """The numbers of inputs and outputs of a weight: its last two axes, times the size of a convolution's kernel."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


class GlorotUniform(VarianceScaling):
    """Uniform on [-√(6 / (inputs + outputs)), √(6 / (inputs + outputs))). (Glorot and Bengio, 2010)

    Examples
    --------
    >>> w = GlorotUniform(seed=0)((100, 200))  # 100 inputs, 200 outputs
    >>> bool(abs(w).max() < (6 / 300) ** 0.5)
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal with variance 2 / (inputs + outputs). (Glorot and Bengio, 2010)

    Examples
    --------
    >>> w = GlorotNormal(seed=0)((300, 300))
    >>> bool(abs(w.std() / (2 / 600) ** 0.5 - 1) < 0.02)
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform on [-√(6 / inputs), √(6 / inputs)). (He et al., 2015)

    Examples
    --------
    >>> w = HeUniform(seed=0)((100, 200))  # 100 inputs, 200 outputs
    >>> bool(abs(w).max() < (6 / 100) ** 0.5)
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal with variance 2 / inputs. (He et al., 2015)

    Examples
    --------
    >>> w = HeNormal(seed=0)((300, 300))
    >>> bool(abs(w.std() / (2 / 300) ** 0.5 - 1) < 0.02)
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform on [-√(3 / inputs), √(3 / inputs)). (LeCun et al., 1998)

    Examples
    --------
    >>> w = LecunUniform(seed=0)((100, 200))  # 100 inputs, 200 outputs
    >>> bool(abs(w).max() < (3 / 100) ** 0.5)
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal with variance 1 / inputs. (LeCun et al., 1998)

    Examples
    --------
    >>> w = LecunNormal(seed=0)((300, 300))
    >>> bool(abs(w.std() / (1 / 300) ** 0.5 - 1) < 0.02)
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


# By name --------------------------------------------------------------------------------------------------

_INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_uniform": RandomUniform,
    "uniform": RandomUniform,
    "random_normal": RandomNormal,
    "normal": RandomNormal,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
}


class FunctionInitializer(Initializer):
    """An initializer that calls a function `f(shape, dtype)`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def __call__(
        self, shape: Shape, dtype: DTypeLike | None = None, generator: np.random.Generator | None = None
    ) -> Array:
        dtype = np.dtype("float32") if dtype is None else dtype
        value = np.array(as_array(self.function(tuple(shape), dtype)), dtype)
        return Constant(value)(shape, dtype) if value.ndim else np.full(shape, value)


InitializerLike: TypeAlias = "str | Initializer | type[Initializer] | Callable[[Shape, Any], Any] | TensorLike"
"""What stands for an initializer: a name, one of its class, a function of shape and dtype, or the weights."""


def get(identifier: InitializerLike) -> Initializer:
    """The initializer that `identifier` names.

    Parameters
    ----------
    identifier : str, Initializer, subclass of Initializer, callable, Tensor or array-like
        A name like "glorot_uniform", in upper or lower case; a function `f(shape, dtype)` that returns the weights;
        or the weights themselves, as a number or an array.

    Raises
    ------
    ValueError
        There is no initializer of that name.
    TypeError
        `identifier` is of another type.

    Examples
    --------
    >>> get("ones")((2,))
    array([1., 1.], dtype=float32)
    >>> get([[1.0, 2.0]])((1, 2))
    array([[1., 2.]], dtype=float32)
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if isinstance(identifier, (Tensor, np.ndarray, np.number, int, float, list)) and not isinstance(identifier, bool):
        return Constant(identifier)
    if callable(identifier):
        return FunctionInitializer(identifier)
    return lookup("initializer", _INITIALIZERS, identifier)()
