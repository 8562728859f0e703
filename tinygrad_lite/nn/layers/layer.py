"""Layers: functions with weights, made when the first input shows how large they must be.

A layer is an object that a model calls. Its weights are found by looking: whatever Variables and layers its
attributes hold, directly or in lists, tuples and dicts, are its own. Nothing is registered, so a layer is an
ordinary Python object, and a list of layers is an ordinary list.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import operator
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, ClassVar, TypeVar

import numpy as np

from tinygrad_lite import ops, random
from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tape import enter_scopes, recording_tapes
from tinygrad_lite.core.tape import state as tapes
from tinygrad_lite.core.tensor import Tensor, Variable, as_array, to_tensor, wrap
from tinygrad_lite.nn import activations, initializers
from tinygrad_lite.utils.names import check_surplus, explain_calls
from tinygrad_lite.utils.settings import Checked, flag
from tinygrad_lite.utils.types import Array, DTypeLike

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "Layer"]

Shape = tuple[Any, ...]
"""Lengths of the axes; None for one that may vary, as the batch does."""

Self = TypeVar("Self", bound="Layer")


_FUNCTIONAL = "a Sequential, or a subclass of Model: models are not made of symbolic inputs here"

_INSTEAD = {
    "activity_regularizer": "a term of your own in the loss",
    "batch_input_shape": "input_shape, without the batch axis",
    "batch_shape": "shape, without the batch axis",
    "bias_constraint": "a callback that assigns to the weights",
    "bias_regularizer": "a term of your own in the loss",
    "input_dim": "input_shape=(features,)",
    "inputs": _FUNCTIONAL,
    "kernel_constraint": "a callback that assigns to the weights",
    "kernel_regularizer": "a term of your own in the loss",
    "outputs": _FUNCTIONAL,
    "weights": "set_weights(...), once it is built",
}
_WITHOUT_EFFECT_ON_WEIGHTS = {
    "aggregation": "none",
    "autocast": True,
    "constraint": None,
    "overwrite_with_gradient": False,
    "regularizer": None,
}
_WITHOUT_EFFECT = {
    "activity_regularizer": None,
    "autocast": True,
    "batch_shape": None,
    "bias_constraint": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "kernel_regularizer": None,
    "lora_alpha": None,
    "lora_rank": None,
    "optional": False,
    "quantization_config": None,
    "ragged": None,
    "sparse": None,
    "tensor": None,
}


class _CallState(threading.local):
    """What one thread is in the middle of calling."""

    def __init__(self) -> None:
        self.inside: list[Layer] = []
        self.training = False
        self.activated: list[Any] | None = None
        self.given: Callable[[Shape, np.dtype[Any]], Array] | None = None


_state = _CallState()


@contextmanager
def note_activation() -> Iterator[list[Any]]:
    """A context whose list holds the activation that a layer applied last: [result, function, argument]."""
    outer = _state.activated
    noted: list[Any] = []
    _state.activated = noted
    try:
        yield noted
    finally:
        _state.activated = outer


@contextmanager
def inside(layer: Layer) -> Iterator[None]:
    """A context in which weights are called as part of `layer`, as they are during a call of it."""
    _state.inside.append(layer)
    try:
        yield
    finally:
        _state.inside.pop()


def weights_are_given() -> bool:
    """Whether a model is being loaded: see `given_weights`."""
    return _state.given is not None


@contextmanager
def given_weights(given: Callable[[Shape, np.dtype[Any]], Array]) -> Iterator[None]:
    """A context in which weights are not drawn but `given(shape, dtype)`; no layer builds itself by a trial in it."""
    outer = _state.given
    _state.given = given
    try:
        yield
    finally:
        _state.given = outer


class Layer(Checked):
    """A function with weights: subclass it, make the weights in `build`, compute in `call`.

    Parameters
    ----------
    name : str, optional
        Default: the class's name, made unique within the model that the layer becomes part of.
    trainable : bool
        Whether `trainable_weights` lists the layer's weights.
    dtype : floating dtype
        Of the weights; floating inputs are converted to it.
    input_shape : tuple of int, optional
        Of one sample, without the batch axis: a Sequential that starts with this layer is built at once.

    Attributes
    ----------
    built : bool
        Whether the weights exist.
    stream : numpy.random.Generator
        What initial weights and dropout masks are drawn from. It is taken when the layer is made (see
        `tgl.random.stream`), so other layers do not change what this one draws.

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
        "name": lambda layer, name: _checked_name(layer, name),
        "dtype": lambda layer, dtype: _before_building(layer, "dtype", _floating(layer, dtype)),
    }

    _is_model = False
    _casts_inputs = True  # what has no weights leaves float64 as it is

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: DTypeLike | None = "float32",
        input_shape: Sequence[int] | None = None,
        **surplus: Any,
    ) -> None:
        check_surplus(self, surplus, _WITHOUT_EFFECT, _INSTEAD)
        self.name = _snake_case(type(self).__name__) if name is None else name
        self.dtype = dtype  # type: ignore[assignment]  # see _settings
        self._weights: list[Variable] = []
        self._weight_names: list[str] = []  # as `add_weight` was told them, without the path
        self._is_named_by_class = name is None
        self._takes_training = _takes_training(type(self))
        self._sample_shape = None if input_shape is None else _sample_shape(type(self).__name__, input_shape)
        self._build_shape: Any = None
        self._output_shape: Shape | None = None
        self.built = False
        self._trainable = bool(trainable)
        self._search = _Search()
        self.stream = random.stream(self.name)

    def __init_subclass__(cls, builds_once: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if builds_once and "build" in vars(cls):
            cls.build = _once(cls.build)  # type: ignore[method-assign, assignment]

    def __getattr__(self, name: str) -> Any:  # called for what is missing only
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
        """Make the weights, with `add_weight`. Called once, before the first `call`; by hand it may be called too.

        Parameters
        ----------
        input_shape : tuple
            Of the first input, the batch axis (first) as None. For a list or dict of inputs, a list or
            dict of shapes.
        """

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. If it takes `training`, it is told whether the model is being trained."""
        raise NotImplementedError(f"{type(self).__name__} has no call. Add one:\n\n    def call(self, inputs): ...\n")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for an input's, batch axis included: found by a trial with a sample of zeros."""
        return map_structure(batch_shape, self.try_with_zeros(input_shape))

    def try_with_zeros(self, input_shape: Any) -> Any:
        """The output for one sample of zeros; no tape sees it."""
        zeros = _map_shapes(
            lambda shape: wrap(np.zeros((1, *_known_lengths(self.name, shape)), self.dtype)), input_shape
        )
        with ExitStack() as stack:
            for tape in recording_tapes():
                stack.enter_context(tape.stop_recording())
            return self(zeros, training=False)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        if self._sample_shape is not None:
            config["input_shape"] = list(self._sample_shape)
        return _accepted(type(self), config)

    @classmethod
    def from_config(cls: type[Self], config: dict[str, Any]) -> Self:
        """A new layer from what `get_config` returned."""
        return cls(**config)

    # Calling ----------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Compute the output for `inputs`; the weights are made on the first call.

        Parameters
        ----------
        inputs : Tensor or array-like, or a list, tuple or dict of Tensors
            Samples along the first axis.
        training : bool, optional
            Default: as in the call that this one is part of, else False.

        Returns
        -------
        Whatever `call` returns: a Tensor, as a rule.
        """
        if training is None:
            training = _state.training
        if self._takes_training:
            kwargs["training"] = training
        if not (isinstance(inputs, Tensor) and inputs._array.dtype == self.dtype):
            inputs = self._converted(inputs)
        outer, scopes, inside = _state.training, tapes.scopes, _state.inside
        depth = len(inside)
        try:  # from here on: Ctrl-C may come anywhere, and what is set must be set back
            _state.training = training
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
            _state.training = outer
            enter_scopes(scopes)
        if outputs is None:
            raise ValueError(f"{type(self).__name__}.call expected to return a Tensor. Received: None. Add `return`.")
        if is_first_call:
            self._output_shape = map_structure(batch_shape, outputs)
        return outputs

    def _converted(self, inputs: Any) -> Any:
        """The inputs as Tensors; floating ones of the layer's dtype."""
        if isinstance(inputs, Input):
            raise TypeError(f"{self.name} expected numbers. Received: an Input. Write {_FUNCTIONAL}.")
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
        """After the first call: what was built before it became part of this layer gets the names it has here."""
        if len(_state.inside) == 1:
            name_weights(self, [layer.name for layer in self._around()])

    def _activate(self, x: Tensor, function: Any) -> Tensor:
        """Apply an activation; a model that takes the loss from the logits wants to know which, and to what."""
        if function is activations.linear:
            return x
        y = function(x)
        if _state.activated is not None:
            _state.activated[:] = [y, function, x]
        return y

    # Weights ----------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] | int | None = (),
        initializer: Any = None,
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
            See `nn.initializers`; it draws from the layer's stream. Default: "glorot_uniform", and "zeros" for
            integers.
        dtype : dtype, optional
            Default: the layer's.
        trainable : bool
            False for what training does not change by gradients.
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
        wrong = [key for key, value in surplus.items() if _WITHOUT_EFFECT_ON_WEIGHTS.get(key, ...) != value]
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
        if _state.given is not None:
            value = _state.given(lengths, kind)
        else:
            value = initializers.get(initializer)(lengths, dtype=kind, generator=self.stream)
        path = [layer.name for layer in self._around()]
        weight = Variable(value, trainable=trainable, name="/".join([*path, name]), dtype=kind)
        self._weights.append(weight)
        self._weight_names.append(name)
        return weight

    def _around(self) -> list[Layer]:
        """The layers that this one is being called in, and itself; an outermost model is left out."""
        around = _state.inside if self in _state.inside else [*_state.inside, self]
        return around[1:] if around[0]._is_model else around

    def _listed(self, trainable: bool | None = None) -> list[Variable]:
        """The weights of this layer and of those inside: all, or those that are trainable or are not."""
        if not self.built:
            for layer, _, _ in walk(self):
                if not layer.built and type(layer).build not in BUILDS_NOTHING:
                    raise ValueError(
                        f"The {type(self).__name__} {self.name!r} expected an input before its weights are asked "
                        f"for: {layer.name!r} is not built. Call it on a batch first, or build(input_shape), for "
                        "example build((None, 784))."
                    )
        found = self._search.answer(self)
        if trainable is None:
            chosen = {id(variable): variable for variable, _ in found}  # of one that comes twice, the first place stays
        else:
            chosen = {id(v): v for v, is_free in found if trainable is (is_free and v.trainable)}
        return list(chosen.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights: those of a layer in the order in which they were made, then those of the layers in it.

        Raises
        ------
        ValueError
            They are not made yet.
        """
        return self._listed()

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: trainable ones of layers that are trainable."""
        return self._listed(trainable=True)

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return self._listed(trainable=False)

    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it for all layers inside too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer, _, _ in list(walk(self)):
            layer._trainable = bool(value)

    def get_weights(self) -> list[Array]:
        """Copies of the weights' values, in the order of `weights`."""
        return [np.array(weight.numpy()) for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace the weights' values.

        Parameters
        ----------
        weights : list of array-like
            In number and shapes as `get_weights` returns them.

        Raises
        ------
        ValueError
            The number or a shape differs; then no weight is changed.
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
        """The number of numbers in all weights."""
        return sum(weight.size for weight in self.weights)


def _once(build: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """A `build` that makes the weights once, whether a user calls it or the first call does."""

    @functools.wraps(build)
    def wrapper(self: Any, input_shape: Any) -> None:
        if self.built:
            return
        name_children(self)
        count = len(self._weights)
        try:
            with nullcontext() if self in _state.inside else inside(self):
                build(self, input_shape)
        except BaseException:  # no memory, or Ctrl-C: the next attempt makes them all
            del self._weights[count:], self._weight_names[count:]
            raise
        self._build_shape = input_shape
        self.built = True
        name_children(self)  # those that `build` made

    return wrapper


BUILDS_NOTHING: set[Any] = {Layer.build}  # implementations of `build` that make no weights of their own


class _Search:
    """What is found in a layer, kept together with all that the answer depends on.

    To look through a model takes longer than much of a small one's training step, and every step asks twice. The answer
    holds as long as all layers and containers have values of the same types as then (of what is no Variable, layer or
    container any other is as good), and where they are such, the very same ones.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: Any = None

    def __reduce__(self) -> Any:
        return (_Search, ())  # whoever copies a layer looks himself

    def answer(self, root: Layer) -> list[tuple[Variable, bool]]:
        """All Variables in `root`, and whether no layer around them is frozen."""
        if self._known is not None:
            inner, dicts, lists, seen, pick, things, found = self._known
            values, looks = _look([root, *inner], dicts, lists)
            if looks == seen and all(map(operator.is_, pick(values), things)):
                return found
        containers: list[Any] = []
        steps = list(walk(root, containers))
        found = [(variable, is_free) for _, variables, is_free in steps for variable in variables]
        inner = [layer for layer, _, _ in steps[1:]]
        dicts = [container for container in containers if isinstance(container, dict)]
        lists = [container for container in containers if isinstance(container, list)]  # a tuple stays what it is
        values, seen = _look([root, *inner], dicts, lists)
        places = [n for n, value in enumerate(values) if isinstance(value, (Variable, Layer, list, tuple, dict))]
        pick = operator.itemgetter(*places, 0, 0)  # of fewer than two it would give no tuple
        self._known = (inner, dicts, lists, seen, pick, pick(values), found)
        return found


def _look(layers: list[Layer], dicts: list[Any], lists: list[Any]) -> tuple[list[Any], Any]:
    """All values in them, one after the other; and the types and numbers of these, and which layers are frozen."""
    holders = [*[vars(layer).values() for layer in layers], *[items.values() for items in dicts], *lists]
    values = [*itertools.chain.from_iterable(holders)]
    return values, ([*map(type, values)], [*map(len, holders)], [layer._trainable for layer in layers])


# Types of most attributes: looked at first, for what a layer holds is asked at every step.
_HOLD_NOTHING = frozenset(
    {type(None), bool, int, float, str, np.ndarray, np.random.Generator, type(len), type(inside), Primitive, _Search}
    | {type(np.dtype(kind)) for kind in "efd"}
    | {
        kind
        for kind in vars(initializers).values()
        if isinstance(kind, type) and issubclass(kind, initializers.Initializer)
    }
)


def parts(layer: Layer, containers: list[Any] | None = None) -> tuple[list[Variable], list[Layer]]:
    """The Variables and the layers that a layer's attributes hold, in lists, tuples and dicts too, in order.

    To `containers` those lists, tuples and dicts are added.
    """
    variables: list[Variable] = []
    layers: list[Layer] = []
    seen: set[int] = set()
    pending = [value for value in vars(layer).values() if type(value) not in _HOLD_NOTHING]
    pending.reverse()
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind is Variable:
            variables.append(value)
        elif kind is list or kind is tuple or isinstance(value, (list, tuple, dict)):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if containers is not None:
                containers.append(value)
            items = value.values() if isinstance(value, dict) else value
            if items and not _HOLD_NOTHING.issuperset(map(type, items)):
                pending.extend(reversed(list(items)))
        elif isinstance(value, Layer):
            layers.append(value)
        elif isinstance(value, Variable):
            variables.append(value)
    return variables, layers


def walk(root: Layer, containers: list[Any] | None = None) -> Iterator[tuple[Layer, list[Variable], bool]]:
    """`root` and every layer inside, each once: with its own Variables, and whether nothing around froze it."""
    seen = set()
    pending = [(root, True)]
    while pending:
        layer, is_free = pending.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        is_free = is_free and layer._trainable
        variables, layers = parts(layer, containers)
        yield layer, variables, is_free
        layers.reverse()
        pending += [(child, is_free) for child in layers]


def name_children(parent: Layer) -> None:
    """Give the layers directly inside `parent` that are named by their class names that differ."""
    children = list(dict.fromkeys(parts(parent)[1]))
    taken = {child.name for child in children if not child._is_named_by_class}
    counts: dict[str, int] = {}
    for child in children:
        if child._is_named_by_class:
            name_child(parent, child, taken, counts)


def name_child(parent: Layer, child: Layer, taken: set[str], counts: dict[str, int]) -> None:
    """Number the name of `child` so that it is not `taken`; `counts` has the numbers that are, by name."""
    name, count = child.name, counts.get(child.name, 0)
    child.name = f"{name}_{count}" if count else name
    while child.name in taken:
        count += 1
        child.name = f"{name}_{count}"
    taken.add(child.name)
    counts[name] = count
    child._is_named_by_class = False
    name_weights(child, [*(layer.name for layer in parent._around()), child.name])  # if it was built before


def name_weights(root: Layer, path: Sequence[str]) -> None:
    """Name every weight by the layers around it and by itself: "block/dense/kernel"."""
    seen = set()
    pending = [(root, list(path))]
    while pending:
        layer, path = pending.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        for weight, name in zip(layer._weights, layer._weight_names):
            weight.name = "/".join([*path, name])
        pending.extend((child, [*path, child.name]) for child in reversed(parts(layer)[1]))


def _accepted(cls: type[Layer], config: dict[str, Any]) -> dict[str, Any]:
    """What the constructor of `cls` takes of what every layer has."""
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return config
    return {name: value for name, value in config.items() if name in parameters}


def _checked_name(layer: Layer, name: Any) -> str:
    if not isinstance(name, str) or not name or "/" in name or not name.isprintable():
        raise ValueError(
            f"{type(layer).__name__} expected a name that is a printable string without '/'. Received: "
            f"name={name!r}. Leave it away to have the layer named after its class."
        )
    return name


def _floating(layer: Layer, dtype: Any) -> np.dtype[Any]:
    kind = np.dtype("float32" if dtype is None else dtype)
    if kind.kind != "f":
        raise ValueError(f"{type(layer).__name__} expected a floating dtype. Received: dtype={dtype!r}. Try 'float32'.")
    return kind


def _activation(layer: Layer, activation: Any) -> Any:
    return activations.get(activation)


def _before_building(layer: Layer, name: str, value: Any) -> Any:
    """`value`, unless the weights are made already and were made with another."""
    if vars(layer).get("built") and name in vars(layer) and vars(layer)[name] != value:
        raise ValueError(
            f"{layer.name} expected {name} before its weights are made: it would have no effect on them. Received: "
            f"{name}={value!r}, and {vars(layer)[name]!r} before. Make a new layer, or set_weights(...)."
        )
    return value


def _units(units: Any) -> int:
    if isinstance(units, bool) or not isinstance(units, (int, np.integer)) or units < 1:
        raise ValueError(f"Dense expected a positive integer. Received: units={units!r}. Try nn.Dense(10).")
    return int(units)


def _seed(layer: Layer, seed: Any) -> Any:
    """A seed of one's own, which begins the stream anew."""
    if seed is not None:
        layer.stream = np.random.default_rng(seed)
    return seed


def _rate(layer: Layer, rate: Any) -> float:
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 <= rate < 1:
        raise ValueError(
            f"Dropout expected a rate of at least 0 and below 1. Received: rate={rate!r}. It is the share that "
            "is set to zero."
        )
    return float(rate)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_") or "layer"


def _takes_training(cls: type[Layer]) -> bool:
    parameters = inspect.signature(cls.call).parameters
    return cls.call is not Layer.call and (
        "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    )


def batch_shape(x: Any) -> Shape:
    """The shape of `x` with None for the batch axis."""
    shape = x.shape if isinstance(x, Tensor) else np.shape(x)
    return (None, *shape[1:]) if shape else ()


def _map_shapes(function: Any, shapes: Any) -> Any:
    """Apply `function` to every shape: a shape is a tuple, so only lists and dicts are structure."""
    if isinstance(shapes, dict):
        return {key: _map_shapes(function, value) for key, value in shapes.items()}
    if isinstance(shapes, list) and not all(n is None or isinstance(n, (int, np.integer)) for n in shapes):
        return [_map_shapes(function, value) for value in shapes]
    return function(shapes)


def _known_lengths(owner: str, shape: Any) -> Shape:
    """The lengths behind the batch axis, checked."""
    is_shape = isinstance(shape, (tuple, list)) and len(shape) > 0
    if not is_shape or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape[1:]):
        raise ValueError(
            f"{owner} expected the shape of a batch to be built for, where only the batch axis (the first) may be "
            f"None. Received: input_shape={shape!r}. Try (None, 784), or (None, 28, 28)."
        )
    return tuple(shape[1:])


def _sample_shape(owner: str, shape: Any) -> Shape:
    """The shape of one sample, checked."""
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in lengths):
        raise ValueError(
            f"{owner} expected the shape of one sample, without the batch axis. Received: {lengths}. For MNIST "
            "that is (28, 28), and (784,) when flattened."
        )
    return tuple(int(n) for n in lengths)


# The layers ---------------------------------------------------------------------------------------------------


class Input:
    """The shape of one sample, as the first item of a Sequential: the model is built at once.

    Parameters
    ----------
    shape : tuple of int
        Without the batch axis.
    batch_size : int, optional
        Has no effect: a model takes batches of any size.
    dtype : floating dtype, optional
        Has no effect: layers convert floating inputs to their own dtype.
    batch_shape : tuple of int, optional
        Instead of `shape`, with the batch axis.
    name : str, optional
        Has no effect.

    Raises
    ------
    ValueError
        `shape` is not made of integers, or `dtype` is not floating.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.Sequential([nn.Input((784,)), nn.Dense(10)]).count_params()
    7850
    """

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        *,
        batch_shape: Sequence[int | None] | None = None,
        name: str | None = None,
        **surplus: Any,
    ) -> None:
        check_surplus(self, surplus, _WITHOUT_EFFECT, _INSTEAD)
        if (shape is None) is (batch_shape is None):
            raise ValueError(
                f"Input expected either shape or batch_shape. Received: shape={shape}, batch_shape={batch_shape}. "
                "Try Input((784,))."
            )
        if dtype is not None and np.dtype(dtype).kind != "f":
            raise ValueError(f"Input expected a floating dtype. Received: dtype={dtype!r}. Leave it away.")
        lengths: Any = shape if batch_shape is None else tuple(batch_shape)[1:]
        self.shape = _sample_shape("Input", lengths)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"shape": list(self.shape)}


explain_calls(Input)


class Dense(Layer):
    """A layer in which every unit sees every feature: activation(inputs @ kernel + bias).

    Parameters
    ----------
    units : int
        Length of the output's last axis.
    activation : str or function, optional
        See `nn.activations`. Default: none.
    use_bias : bool
    kernel_initializer, bias_initializer : str, Initializer or function
        See `nn.initializers`.
    name : str, optional
    **kwargs
        `trainable`, `dtype` and `input_shape`, as for every `Layer`.

    Raises
    ------
    ValueError
        `units` is not positive, or a name is unknown. When called: the input's last axis is not what the
        kernel was made for.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.Dense(3, activation="relu", kernel_initializer="ones")
    >>> layer([[1.0, 2.0], [3.0, -4.0]]).numpy()
    array([[3., 3., 3.],
           [0., 0., 0.]], dtype=float32)
    >>> [(weight.name, weight.shape) for weight in layer.weights]
    [('dense/kernel', (2, 3)), ('dense/bias', (3,))]
    """

    _settings: ClassVar = Layer._settings | {
        "activation": _activation,
        "units": lambda layer, units: _before_building(layer, "units", _units(units)),
        "use_bias": lambda layer, value: _before_building(layer, "use_bias", flag("use_bias", value)),
        "kernel_initializer": lambda layer, x: _before_building(layer, "kernel_initializer", initializers.get(x)),
        "bias_initializer": lambda layer, x: _before_building(layer, "bias_initializer", initializers.get(x)),
    }

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        *,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.units, self.use_bias = units, use_bias
        self.activation = activation
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel: Variable | None = None
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"{self.name} expected inputs of shape (batch, features). Received: inputs.shape={input_shape}. Use "
                "x[:, None] where each sample is one number, x[None, :] for a single sample."
            )
        features = int(input_shape[-1])
        self.kernel = self.add_weight((features, self.units), self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Tensor:
        kernel: Any = self.kernel
        x = inputs if inputs.dtype == self.dtype else ops.cast(inputs, self.dtype)
        shape = x.shape
        if len(shape) < 2 or shape[-1] != kernel._array.shape[0]:
            raise self._wrong_features(inputs)
        y = ops.matmul(x, kernel) if self.bias is None else ops.dense(x, kernel, self.bias)  # (..., units)
        return self._activate(y, self.activation)

    def _wrong_features(self, inputs: Tensor) -> ValueError:
        features = self.kernel.shape[0] if self.kernel is not None else None
        shape = inputs.shape
        if len(shape) > 2:
            fix = "Put nn.Flatten() before it."
        elif len(shape) == 1:
            fix = "A single sample needs a batch axis: x[None, :]."
        else:
            fix = f"Pass {features} features, as when it was built, or make a new layer."
        return ValueError(
            f"{self.name} expected inputs with last axis {features}, since its kernel has shape "
            f"{(features, self.units)}. Received: inputs.shape={shape}. {fix}"
        )

    def get_config(self) -> dict[str, Any]:
        names = ("units", "activation", "use_bias", "kernel_initializer", "bias_initializer")
        return super().get_config() | {name: getattr(self, name) for name in names}


class Flatten(Layer):
    """All axes behind the batch as one: (batch, a, b, ...) to (batch, a·b·...).

    Parameters
    ----------
    data_format : str, optional
        With "channels_first" the second axis goes to the end before.
    **kwargs
        As for every `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> nn.Flatten()(np.zeros((2, 28, 28), "float32")).shape
    (2, 784)
    """

    _casts_inputs = False

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(
                f"Flatten expected data_format to be 'channels_last' or 'channels_first'. Received: {data_format!r}."
            )
        self.data_format = data_format

    def call(self, inputs: Any) -> Tensor:
        if inputs.ndim == 2:
            return inputs
        if inputs.ndim and self.data_format == "channels_first":
            inputs = ops.moveaxis(inputs, 1, -1)
        if not inputs.ndim:
            raise ValueError(f"{self.name} expected a batch axis. Received: inputs.shape=(). Pass an array of samples.")
        return ops.reshape(inputs, (inputs.shape[0], int(np.prod(inputs.shape[1:]))))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config if self.data_format is None else config | {"data_format": self.data_format}


class Dropout(Layer):
    """While training, sets inputs to zero with probability `rate` and scales the others by 1 / (1 - rate).

    So the expected value stays, and nothing needs to be scaled when the model is used. (Srivastava et al.,
    2014; the inverted form.)

    Parameters
    ----------
    rate : float
        At least 0 and below 1.
    noise_shape : sequence of int, optional
        One length for each axis of the inputs: 1 where all elements along the axis share their fate, None or the
        axis's own length elsewhere.
    seed : int, optional
        Of the masks. Default: the layer's own stream, which `tgl.random.set_seed` fixes.
    name : str, optional
    **kwargs
        As for every `Layer`.

    Raises
    ------
    ValueError
        `rate` is out of its range.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.Dropout(0.5)([[1.0, 2.0]]).numpy()
    array([[1., 2.]], dtype=float32)
    >>> sorted(set(nn.Dropout(0.5)([[1.0] * 100], training=True).numpy()[0].tolist()))
    [0.0, 2.0]
    """

    _settings: ClassVar = Layer._settings | {"rate": _rate, "seed": _seed}
    _casts_inputs = False

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if noise_shape is not None and not isinstance(noise_shape, (tuple, list)):
            raise TypeError(
                f"Dropout expected noise_shape to be a tuple, or None. Received: noise_shape={noise_shape!r}. A seed "
                f"is passed by name: seed={noise_shape!r}."
            )
        self.rate = rate
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        if seed is not None:
            self.stream = np.random.default_rng(seed)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if not training or not self.rate:
            return inputs
        x = inputs if inputs.dtype.kind == "f" else ops.cast(inputs, self.dtype)
        return ops.dropout(x, self.rate, generator=self.stream, noise_shape=self.noise_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"rate": self.rate, "seed": self.seed}
        return config if self.noise_shape is None else config | {"noise_shape": list(self.noise_shape)}


class Activation(Layer):
    """Applies an activation function.

    Parameters
    ----------
    activation : str or function
        See `nn.activations`.
    name : str, optional
    **kwargs
        As for every `Layer`.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.Activation("relu")([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    _settings: ClassVar = Layer._settings | {"activation": _activation}
    _casts_inputs = False

    def __init__(self, activation: Any, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.activation = activation

    def call(self, inputs: Any) -> Tensor:
        x = inputs if inputs.dtype.kind == "f" else ops.cast(inputs, self.dtype)
        return self._activate(x, self.activation)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"activation": self.activation}
