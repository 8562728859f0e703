"""Names for classes and functions, so that a model can be written as plain data and read again.

A saved model has `{"class": "Dense", "config": {...}}`, and a table here maps "Dense" to the class. A name that is
neither in the table nor in the caller's `custom_objects` is an error: nothing is imported by a name from a file.
Arguments that `get_config` does not return, and attributes that were set later, are saved beside the configuration as
`"attributes"`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

import numpy as np

from tinygrad_lite import optim
from tinygrad_lite.core.tensor import Tensor, as_array
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn import activations, initializers, losses, metrics
from tinygrad_lite.nn.layers import Activation, Dense, Dropout, Flatten, Input, Layer
from tinygrad_lite.nn.layers.calling import given_weights
from tinygrad_lite.nn.saving.equality import difference, held_by
from tinygrad_lite.optim import schedules
from tinygrad_lite.random.streams import set_aside
from tinygrad_lite.utils.callback import Callback
from tinygrad_lite.utils.names import lookup
from tinygrad_lite.utils.types import Array

__all__ = ["deserialize", "register", "serialize"]

Registered = TypeVar("Registered", bound=Callable[..., Any])

_KEYS = {"class", "object", "array", "tuple"}  # keys of dicts that stand for values that JSON does not have
_OBJECTS: dict[str, Any] = {}
_NAMES: dict[Any, str] = {}
_BUILT_IN: set[str] = set()


def _enter(name: str, thing: Any) -> None:
    _OBJECTS[name] = thing
    _NAMES.setdefault(thing, name)


@overload
def register(thing: Registered) -> Registered: ...


@overload
def register(*, name: str) -> Callable[[Registered], Registered]: ...


def register(thing: Any = None, *, name: str | None = None) -> Any:
    """Register a class or function of yours, so that models that use it can be saved and loaded; a decorator.

    Parameters
    ----------
    thing : class or function
        A Layer, Model, Loss, Metric, Initializer, Optimizer or schedule, whose `get_config` returns the arguments of
        its constructor; or a function that is used as activation, loss, metric or initializer.
    name : str, optional
        Its name in files. Default: the name of the class or function.

    Raises
    ------
    ValueError
        The name is taken.
    TypeError
        It is neither a class nor a function.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> @nn.register
    ... class Double(nn.Layer):
    ...     def call(self, inputs):
    ...         return inputs * 2.0
    >>> nn.registry.deserialize({"class": "Double", "config": {"name": "twice"}})
    <Double 'twice'>
    """
    if thing is None:
        return lambda decorated: register(decorated, name=name)  # type: ignore[call-overload]
    if not (inspect.isclass(thing) or callable(thing)):
        raise TypeError(f"register expected a class or a function. Received: {thing!r}.")
    key = name or thing.__name__
    known = _OBJECTS.get(key)
    if known is not None and (key in _BUILT_IN or _origin(known) != _origin(thing)):
        raise ValueError(
            f"register expected a name that is free. Received: {key!r}, which is {known!r}. Pass another, as in "
            f"@nn.register(name={'my_' + key!r})."
        )
    _enter(key, thing)
    return thing


def _origin(thing: Any) -> tuple[str, str]:
    """Where a class or function is defined: a definition may run again, as in notebooks."""
    return thing.__module__, thing.__qualname__


def register_built_in(things: Mapping[str, Any]) -> None:
    """Register what the package defines: the names cannot be registered again by a user."""
    for name, thing in things.items():
        _enter(name, thing)
        _BUILT_IN.add(name)


# To plain data ------------------------------------------------------------------------------------------------


def serialize(value: Any) -> Any:
    """`value` as plain data: numbers, strings, lists and dicts.

    Parameters
    ----------
    value : number, str, list, tuple, dict, array, or something registered

    Raises
    ------
    TypeError
        It has no registered name. The error says what to register.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> serialize(nn.Dropout(0.5, name="noise"))
    {'class': 'Dropout', 'config': {'name': 'noise', 'trainable': True, 'dtype': 'float32', 'rate': 0.5, 'seed': None}}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"array": str(value), "dtype": "float"}
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        array = as_array(value)
        data = {"array": array.tolist(), "dtype": array.dtype.name}
        return data | {"kind": "Tensor"} if isinstance(value, Tensor) else data
    if isinstance(value, list):
        return [serialize(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [serialize(item) for item in value]}
    if isinstance(value, dict):
        if not all(isinstance(key, str) and key not in _KEYS for key in value):
            raise TypeError(
                "Expected the keys of a dict that is saved to be strings, none of them among "
                f"{sorted(_KEYS)}. Received: the keys {list(value)}."
            )
        return {key: serialize(item) for key, item in value.items()}
    if _is_hashable(value) and value in _NAMES:
        return {"object": _NAMES[value]}
    if type(value) in _NAMES:
        return _described(value)
    raise TypeError(_unknown(value))


_LEFT_OUT: dict[type, frozenset[str]] = {}
"""By class: attributes that do not describe the object, or that are saved otherwise."""


def leave_out(cls: type, *names: str) -> None:
    """Leave attributes of a class and its subclasses out of descriptions."""
    _LEFT_OUT[cls] = frozenset(names)


def is_left_out(owner: Any, name: str) -> bool:
    """Whether `name` is left out of the description of `owner`."""
    return any(name in names for cls, names in _LEFT_OUT.items() if isinstance(owner, cls))


def _described(value: Any) -> dict[str, Any]:
    """An object as its class, its configuration, and attributes that the configuration does not give."""
    cls = type(value)
    config = _accepted(cls, value.get_config() if hasattr(value, "get_config") else {})
    _check_arguments(cls, config)
    data: dict[str, Any] = {"class": _NAMES[cls], "config": {name: serialize(item) for name, item in config.items()}}
    try:
        with set_aside(), given_weights(no_weights):
            twin = deserialize(data, {data["class"]: cls})
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected get_config of {cls.__name__} to give what the class can be made from again. Received: "
            f"{_short(config)}, which fails: {error}"
        ) from error
    attributes = attributes_beyond(value, twin) | _layers_beyond(value, twin)
    return data | ({"attributes": attributes} if attributes else {})


def attributes_beyond(value: Any, twin: Any) -> dict[str, Any]:
    """Attributes of `value` that are plain data and that `twin`, made from its description, does not have."""
    known, attributes = held_by(twin), {}
    for name, held in held_by(value).items():
        if is_left_out(value, name) or (name in known and difference(held, known[name], is_left_out) is None):
            continue
        if not _has_state(held):
            try:
                attributes[name] = serialize(held)
            except (TypeError, ValueError):  # `save` compares the whole model and raises if it matters
                continue
    return attributes


def _layers_beyond(value: Any, twin: Any) -> dict[str, Any]:
    """Attributes with other layers than in `twin`, or with layers of another configuration: a replaced head."""
    known, attributes = held_by(twin), {}
    for name, held in held_by(value).items():
        if is_left_out(value, name) or not _has_state(held) or _has_state(held, of=(Variable, np.random.Generator)):
            continue
        try:
            described = serialize(held)
            if name not in known or _nameless(described) != _nameless(serialize(known[name])):
                attributes[name] = described
        except (TypeError, ValueError):  # `save` compares the whole model and raises if it matters
            continue
    return attributes


def _nameless(data: Any) -> Any:
    """A description without the parts that the model sets in its layers."""
    if isinstance(data, list):
        return [_nameless(item) for item in data]
    if isinstance(data, dict):
        return {key: _nameless(item) for key, item in data.items() if key not in ("name", "trainable")}
    return data


def plain_attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object that are plain data, as `serialize` writes them."""
    attributes = {}
    for name, held in held_by(value).items():
        if not is_left_out(value, name) and not _has_state(held):
            try:
                attributes[name] = serialize(held)
            except (TypeError, ValueError):
                continue
    return attributes


def set_attributes(made: Any, attributes: Mapping[str, Any]) -> None:
    """Set the attributes that `attributes_beyond` found."""
    for name, value in attributes.items():
        if name.startswith("__") or is_left_out(made, name):
            raise ValueError(f"{name!r} is not an attribute that may be set")
        setattr(made, name, value)


def _accepted(cls: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The part of a configuration that the constructor takes. The rest are attributes, which are saved as such."""
    parameters = inspect.signature(cls).parameters
    if "from_config" in vars(cls) or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return config
    return {name: value for name, value in config.items() if name in parameters}


def no_weights(shape: Any, dtype: Any) -> Array:
    raise ValueError("a constructor makes weights: make them in build.")


def _has_state(value: Any, of: tuple[type, ...] = (Variable, Layer, np.random.Generator)) -> bool:
    """Whether a value contains Variables, layers or generators, which a description does not contain."""
    if isinstance(value, (list, tuple)):
        return any(_has_state(item, of) for item in value)
    if isinstance(value, dict):
        return any(_has_state(item, of) for item in value.values())
    return isinstance(value, of)


def _check_arguments(cls: Any, config: Mapping[str, Any]) -> None:
    """Raise if the constructor of `cls` does not accept the configuration."""
    if "from_config" in vars(cls):
        return  # it makes the object itself
    try:
        inspect.signature(cls).bind(**config)
    except TypeError as error:
        raise TypeError(
            f"Expected get_config of {cls.__name__} to give the arguments of its constructor. Received: "
            f"{list(config)}: {error}. Add the others: def get_config(self): return super().get_config() | "
            '{"size": self.size}.'
        ) from None


def _unknown(value: Any) -> str:
    what = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    name = getattr(what, "__name__", repr(what))
    if name == "<lambda>":
        fix = "Write the lambda as a function with a name, and decorate it with @nn.register."
    else:
        fix = f"Decorate {name} with @nn.register, and pass it in custom_objects when loading where it is not defined."
    return f"Expected a value that is plain data or has a registered name. Received: {value!r}. {fix}"


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


# From plain data ----------------------------------------------------------------------------------------------


def deserialize(data: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The value that `serialize` made `data` of.

    Parameters
    ----------
    data : plain data
    custom_objects : mapping of str, optional
        Classes and functions by their names in the data; they take precedence over the registry.

    Raises
    ------
    ValueError
        A name is unknown, or the arguments do not fit the class.

    Examples
    --------
    >>> deserialize({"class": "Constant", "config": {"value": 2.0}})((2,))
    array([2., 2.], dtype=float32)
    """
    custom = dict(custom_objects or {})

    def read(data: Any) -> Any:
        if isinstance(data, list):
            return [read(item) for item in data]
        if not isinstance(data, dict):
            return data
        if "array" in data:
            return _array(data)
        if "tuple" in data:
            return tuple(read(item) for item in _expect(data["tuple"], list))
        if "object" in data:
            return _find(data["object"], custom)
        if "class" not in data:
            return {key: read(value) for key, value in data.items()}
        cls = _find(data["class"], custom)
        if not inspect.isclass(cls):
            raise ValueError(f"Expected {data['class']!r} to name a class. Received: {cls!r}.")
        config = read(_expect(data.get("config"), dict))
        attributes = read(_expect(data.get("attributes", {}), dict))
        try:
            made = cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)
            set_attributes(made, attributes)
            return made
        except (TypeError, AttributeError, OverflowError, MemoryError) as error:
            raise ValueError(
                f"Expected arguments of {data['class']}. Received: {_short(config)}, which fails: {error}."
            ) from error

    try:
        return read(data)
    except RecursionError:
        raise ValueError("Expected plain data. Received: data that is nested too deeply.") from None


def _find(name: Any, custom: Mapping[str, Any]) -> Any:
    known = {**_OBJECTS, **custom}
    if isinstance(name, str) and name in known:
        return known[name]
    try:
        lookup("class or function", known, name)  # the error names the nearest
    except (ValueError, TypeError) as error:
        message = str(error)
    else:
        message = f"Unknown class or function. Received: {name!r}."
    raise ValueError(
        f"{message} If it is yours, import the file in which it is decorated with @nn.register, or pass custom_objects="
        f"{{{name!r}: ...}}."
    )


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"Expected a {kind.__name__}. Received: {_short(value)}.")
    return value


def _array(data: dict[str, Any]) -> Array | Tensor | float:
    if data.get("dtype") == "float":
        return float(_expect(data["array"], str))
    kind = _expect(data.get("dtype"), str)
    if kind not in ("bool", *(np.dtype(code).name for code in np.typecodes["AllInteger"] + "efd")):
        raise ValueError(f"Expected the dtype of an array of numbers. Received: {kind!r}.")
    try:
        array = np.array(data["array"], dtype=kind)
        return Tensor(array) if data.get("kind") == "Tensor" else array
    except (TypeError, OverflowError) as error:
        raise ValueError(f"Expected numbers of dtype {kind}. Received: {_short(data['array'])}.") from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _classes(module: Any) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__ if inspect.isclass(getattr(module, name))}


def _qualified(module: Any, prefix: str) -> dict[str, Any]:
    """The classes of a module by qualified names: a loss and a metric may have the same name."""
    return {f"{prefix}.{name}": cls for name, cls in _classes(module).items()}


def _functions(module: Any) -> dict[str, Any]:
    names = [name for name in module.__all__ if name not in ("get", "resolve")]
    return {name: getattr(module, name) for name in names if not inspect.isclass(getattr(module, name))}


leave_out(
    Layer, "name", "built", "_trainable", "_weights", "_weight_names", "_build_shape", "_output_shape", "_search",
    "_is_named_by_class", "_takes_training",
)  # fmt: skip
leave_out(metrics.Metric, "_variables")
leave_out(Callback, "model", "params")
leave_out(
    optim.Optimizer,
    "_iterations", "_learning_rate", "_trainable", "_index", "_state", "_scratch", "built",
)  # fmt: skip
register_built_in(
    {
        **activations.BY_NAME,
        **_functions(losses),
        **_functions(metrics),
        **_classes(optim),
        **_classes(schedules),
        **_classes(initializers),
        "Function": initializers.FunctionInitializer,
        **_qualified(losses, "losses"),
        **_qualified(metrics, "metrics"),
        **{cls.__name__: cls for cls in (Activation, Dense, Dropout, Flatten, Input)},
    }
)
