"""The base class of layers: functions with weights, made when the first input shows how large they must be.

A subclass makes its weights in `build` and computes in `call`; a call of the layer does both in turn. Weights are found
in its attributes (see `search`): nothing is registered, so a layer is an ordinary Python object.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from typing import Any, ClassVar, TypeVar

import numpy as np

from tinygrad_lite import ops, random
from tinygrad_lite.core.record import enter_scopes, recording_tapes, unobserved
from tinygrad_lite.core.record import state as tapes
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array, to_tensor, wrap
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn import activations, initializers
from tinygrad_lite.nn.activations import ActivationFunction
from tinygrad_lite.nn.initializers import InitializerLike
from tinygrad_lite.nn.layers.arguments import (
    FUNCTIONAL,
    INSTEAD,
    WITHOUT_EFFECT,
    WITHOUT_EFFECT_ON_WEIGHTS,
    BatchShape,
    batch_shape,
    before_building,
    checked_name,
    floating,
    known_lengths,
    map_shapes,
    sample_shape,
    snake_case,
)
from tinygrad_lite.nn.layers.calling import inside, state
from tinygrad_lite.nn.layers.input import Input
from tinygrad_lite.nn.layers.search import LayerBase, WeightSearch, name_children, name_weights, walk
from tinygrad_lite.utils.names import check_surplus
from tinygrad_lite.utils.types import Array, DTypeLike

__all__ = ["BUILDS_NOTHING", "Layer"]

Self = TypeVar("Self", bound="Layer")


class Layer(LayerBase):
    """A function with weights: subclass it, make the weights in `build`, compute in `call`.

    Parameters
    ----------
    name : str, optional
        Default: the name of the class, made unique within the model.
    trainable : bool
        Whether `trainable_weights` lists the layer's weights.
    dtype : floating dtype
        The dtype of the weights. Floating inputs are converted to it.
    input_shape : tuple of int, optional
        The shape of one sample, without the batch axis. A Sequential that begins with this layer makes its weights at
        once.

    Attributes
    ----------
    built : bool
        Whether the weights exist.
    stream : numpy.random.Generator
        The generator of initial weights and dropout masks. Each layer has its own (see `tgl.random.stream`), so other
        layers do not change its numbers.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> class Scale(nn.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(input_shape[-1:], "ones", name="factor")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> scale = Scale()
    >>> scale([[1.0, 2.0]]).numpy()
    array([[1., 2.]], dtype=float32)
    >>> [weight.name for weight in scale.weights]
    ['scale/factor']
    """

    name: str
    dtype: np.dtype[Any]
    _settings: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "name": lambda layer, name: checked_name(layer, name),
        "dtype": lambda layer, dtype: before_building(layer, "dtype", floating(layer, dtype)),
    }

    _is_model = False
    _casts_inputs = True  # False for layers without weights: they do not change float64

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: DTypeLike | None = "float32",
        input_shape: Sequence[int] | None = None,
        **surplus: Any,
    ) -> None:
        check_surplus(self, surplus, WITHOUT_EFFECT, INSTEAD)
        self.name = snake_case(type(self).__name__) if name is None else name
        self.dtype = dtype  # type: ignore[assignment]  # see _settings
        self._weights: list[Variable] = []
        self._weight_names: list[str] = []  # the names given to `add_weight`, without the path
        self._is_named_by_class = name is None
        self._takes_training = _takes_training(type(self))
        self._sample_shape = None if input_shape is None else sample_shape(type(self).__name__, input_shape)
        self._build_shape: Any = None
        self._output_shape: BatchShape | None = None
        self.built = False
        self._trainable = bool(trainable)
        self._search = WeightSearch()
        self.stream = random.stream(self.name)

    def __init_subclass__(cls, builds_once: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if builds_once and "build" in vars(cls):
            cls.build = _once(cls.build)  # type: ignore[method-assign, assignment]

    def __getattr__(self, name: str) -> Any:  # is called for missing attributes only
        if "_trainable" not in vars(self) and not name.startswith("__"):  # copying looks for __setstate__ and so on
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must call super().__init__() before the layer is used. "
                "Put it on the first line."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    # To be overridden -------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights, with `add_weight`. It is called once, before the first `call`; you may call it before.

        Parameters
        ----------
        input_shape : tuple
            The shape of the first input, with None for the batch axis, which is the first. For a list or dict of
            inputs, a list or dict of shapes.
        """

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. An argument `training`, if there is one, is True while the model is trained."""
        raise NotImplementedError(f"{type(self).__name__} has no call. Add one:\n\n    def call(self, inputs): ...\n")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for a shape of the input, both with the batch axis. A sample of zeros is tried."""
        return map_structure(batch_shape, self.try_with_zeros(input_shape))

    def try_with_zeros(self, input_shape: Any) -> Any:
        """The output for one sample of zeros. It is not recorded by tapes."""
        zeros = map_shapes(lambda shape: wrap(np.zeros((1, *known_lengths(self.name, shape)), self.dtype)), input_shape)
        with ExitStack() as stack:
            stack.enter_context(unobserved())
            for tape in recording_tapes():
                stack.enter_context(tape.stop_recording())
            return self(zeros, training=False)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor that make an equal layer, without its weights."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        if self._sample_shape is not None:
            config["input_shape"] = list(self._sample_shape)
        return _accepted(type(self), config)

    @classmethod
    def from_config(cls: type[Self], config: dict[str, Any]) -> Self:
        """A new layer from the result of `get_config`."""
        return cls(**config)

    # Calling ----------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Compute the output for `inputs`; the weights are made on the first call.

        Parameters
        ----------
        inputs : Tensor or array-like, or a list, tuple or dict of Tensors
            Samples along the first axis.
        training : bool, optional
            Default: that of the enclosing layer's call, otherwise False.

        Returns
        -------
        The result of `call`, usually a Tensor.
        """
        if training is None:
            training = state.training
        if self._takes_training:
            kwargs["training"] = training
        if not (isinstance(inputs, Tensor) and inputs._array.dtype == self.dtype):
            inputs = self._converted(inputs)
        outer, scopes, inside = state.training, tapes.scopes, state.inside
        depth = len(inside)
        try:  # Ctrl-C may come anywhere from here on, and the state must be restored
            state.training = training
            inside.append(self)
            enter_scopes((*scopes, self.name))
            is_first_call = self._output_shape is None
            if not self.built:
                self._build_on_call(map_structure(batch_shape, inputs))
            outputs = self.call(inputs, *args, **kwargs)
            if is_first_call:
                self.built = True
                self._name_weights_if_outermost()
        finally:
            del inside[depth:]
            state.training = outer
            enter_scopes(scopes)
        if outputs is None:
            raise ValueError(f"{type(self).__name__}.call expected to return a Tensor. Received: None. Add `return`.")
        if is_first_call:
            self._output_shape = map_structure(batch_shape, outputs)
        return outputs

    def _converted(self, inputs: Any) -> Any:
        """The inputs as Tensors; floating inputs are converted to the layer's dtype."""
        if isinstance(inputs, Input):
            raise TypeError(f"{self.name} expected numbers. Received: an Input. Write {FUNCTIONAL}.")
        if isinstance(inputs, Tensor):
            if not self._casts_inputs or inputs.dtype == self.dtype or inputs.dtype.kind != "f":
                return inputs
            return ops.cast(inputs, self.dtype)
        if isinstance(inputs, (list, tuple, dict)) and any(isinstance(leaf, Tensor) for leaf in flatten(inputs)):
            return map_structure(self._converted, inputs)
        return self._converted(to_tensor(inputs))

    def _build_on_call(self, input_shape: Any) -> None:
        name_children(self)
        self._build_shape = input_shape
        self.build(input_shape)
        self.built = True

    def _name_weights_if_outermost(self) -> None:
        """After the first call, rename weights of layers that were built before they became part of this one."""
        if len(state.inside) == 1:
            name_weights(self, [layer.name for layer in self._around()])

    def _activate(self, x: Tensor, function: ActivationFunction) -> Tensor:
        """Apply an activation, and note it and its argument, so that the loss can be computed from the logits."""
        if function is activations.linear:
            return x
        y = function(x)
        if state.activated is not None:
            state.activated[:] = [y, function, x]
        return y

    # Weights ----------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] | int | None = (),
        initializer: InitializerLike | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        *,
        name: str | None = "weight",
        **surplus: Any,
    ) -> Variable:
        """Make a weight of this layer.

        Parameters
        ----------
        shape : int or tuple of int
        initializer : str, Initializer or function, optional
            See `nn.initializers`. It uses the generator `stream` of the layer. Default: "glorot_uniform", and "zeros"
            for integers.
        dtype : dtype, optional
            Default: the layer's.
        trainable : bool
            False for weights that gradients do not change.
        name : str

        Returns
        -------
        Variable, of the given shape
            Called `layer/name`.

        Raises
        ------
        TypeError
            `shape` is not made of integers, or an argument is unknown.
        ValueError
            A length is unknown or negative.
        """
        wrong = [key for key, value in surplus.items() if WITHOUT_EFFECT_ON_WEIGHTS.get(key, ...) != value]
        if wrong:
            raise TypeError(
                f"{self.name}.add_weight does not take {', '.join(wrong)}. It takes: shape, initializer, dtype, "
                "trainable, name. Instead of a regularizer: a term of your own in the loss."
            )
        shape = () if shape is None else shape
        lengths = (shape,) if isinstance(shape, (int, np.integer)) else shape
        if isinstance(lengths, str):
            raise TypeError(
                f"add_weight expected a shape first. Received: shape={shape!r}. Pass the name as name={shape!r}."
            )
        lengths = tuple(lengths)
        if any(n is None or n < 0 for n in lengths):
            raise ValueError(
                f"{self.name}.add_weight expected a shape of known lengths. Received: shape={lengths}. Only the "
                "batch axis may be None: is the right axis of input_shape used?"
            )
        name = "weight" if name is None else name
        kind = self.dtype if dtype is None else np.dtype(dtype)
        initializer = ("glorot_uniform" if kind.kind == "f" else "zeros") if initializer is None else initializer
        if state.given is not None:
            value = state.given(lengths, kind)
        else:
            value = initializers.get(initializer)(lengths, dtype=kind, generator=self.stream)
        path = [layer.name for layer in self._around()]
        weight = Variable(value, trainable=trainable, name="/".join([*path, name]), dtype=kind)
        self._weights.append(weight)
        self._weight_names.append(name)
        return weight

    def _around(self) -> list[LayerBase]:
        """The layers whose calls are in progress, up to this one, without the outermost if that is a model."""
        around = state.inside if self in state.inside else [*state.inside, self]
        return around[1:] if around[0]._is_model else around

    def _listed(self, trainable: bool | None = None) -> list[Variable]:
        """The weights of this layer and of those inside: all, the trainable or the other ones."""
        if not self.built:
            for layer, _, _ in walk(self):
                if not layer.built and type(layer).build not in BUILDS_NOTHING:
                    raise ValueError(
                        f"The {type(self).__name__} {self.name!r} expected an input before its weights are asked "
                        f"for: {layer.name!r} is not built. Call it on a batch first, or build(input_shape), for "
                        "example build((None, 784))."
                    )
        found = self._search.find(self)
        if trainable is None:
            chosen = {id(variable): variable for variable, _ in found}  # each once, at its first place
        else:
            chosen = {id(v): v for v, is_free in found if trainable is (is_free and v.trainable)}
        return list(chosen.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights: those of the layer in the order in which they were made, then those of the layers inside.

        Raises
        ------
        ValueError
            The weights are not made yet.
        """
        return self._listed()

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: trainable weights of trainable layers."""
        return self._listed(trainable=True)

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change."""
        return self._listed(trainable=False)

    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Setting it also sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer, _, _ in list(walk(self)):
            layer._trainable = bool(value)

    def get_weights(self) -> list[Array]:
        """Copies of the weights' values, in the order of `weights`."""
        return [np.array(weight.numpy()) for weight in self.weights]

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Replace the weights' values.

        Parameters
        ----------
        weights : list of array-like
            As many arrays as `get_weights` returns, with the same shapes.

        Raises
        ------
        ValueError
            The number or a shape differs. No weight is changed.
        """
        mine = self.weights
        if len(weights) != len(mine):
            shapes = ", ".join(f"{weight.name} {weight.shape}" for weight in mine)
            raise ValueError(
                f"{self.name}.set_weights expected a list of {len(mine)} arrays ({shapes or 'none'}). Received: a "
                f"list of {len(weights)}. Pass what get_weights() of an equal {type(self).__name__} returns."
            )
        values = [np.array(as_array(value), weight.dtype) for weight, value in zip(mine, weights)]
        for position, (weight, value) in enumerate(zip(mine, values)):
            if weight.shape != value.shape:
                raise ValueError(
                    f"{self.name}.set_weights expected an array of shape {weight.shape} for {weight.name}. "
                    f"Received: weights[{position}].shape={value.shape}. Is the order that of get_weights()?"
                )
        for weight, value in zip(mine, values):
            weight.adopt(value)

    def count_params(self) -> int:
        """The number of elements of all weights."""
        return sum(weight.size for weight in self.weights)


def _once(build: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Wrap `build` so that it makes the weights only once."""

    @functools.wraps(build)
    def wrapper(self: Any, input_shape: Any) -> None:
        if self.built:
            return
        name_children(self)
        count = len(self._weights)
        try:
            with nullcontext() if self in state.inside else inside(self):
                build(self, input_shape)
        except BaseException:  # such as MemoryError or Ctrl-C: the next call makes all weights
            del self._weights[count:], self._weight_names[count:]
            raise
        self._build_shape = input_shape
        self.built = True
        name_children(self)  # those that `build` made

    return wrapper


BUILDS_NOTHING: set[Any] = {Layer.build}  # implementations of `build` that make no weights of their own


def _accepted(cls: type[Layer], config: dict[str, Any]) -> dict[str, Any]:
    """The part of the common configuration that the constructor of `cls` takes."""
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return config
    return {name: value for name, value in config.items() if name in parameters}


def _takes_training(cls: type[Layer]) -> bool:
    parameters = inspect.signature(cls.call).parameters
    return cls.call is not Layer.call and (
        "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    )
