"""Optimizers: what turns gradients into better weights.

An optimizer is two things: the numbers that it remembers for every weight (its slots), and one rule that
takes a step. A rule is elementwise, so it can work through the weights block by block, in place: a block and
its gradient stay in the processor's cache from the rule's first multiplication to its last, and no temporary
is larger than a block. All that optimizers have in common, from the learning rate to the checks, is in the
base class.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.core.strict import is_strict, on_step, witness
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import HALF, Tensor, Variable, as_array, tracing
from tinygrad_lite.optim import schedules as schedules
from tinygrad_lite.utils.names import check_surplus, lookup
from tinygrad_lite.utils.settings import Checked, flag, is_real
from tinygrad_lite.utils.types import Array

__all__ = ["SGD", "Adagrad", "Adam", "Momentum", "Optimizer", "RMSProp", "RMSprop", "get"]

_SHARED = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm")  # in Keras's order
_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_INSTEAD = {
    "lr": "learning_rate",
    "alpha": "learning_rate",
    "betas": "beta_1 and beta_2",
    "eps": "epsilon",
    "decay": "a schedule of optim.schedules as learning_rate",
    "use_ema": "a callback that keeps an average of model.get_weights()",
    "gradient_accumulation_steps": "a larger batch_size, or a loop of your own that adds the gradients up",
}
_WITHOUT_EFFECT = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}

BLOCK = 1 << 16
"""Elements that a rule updates at a time: weights, gradient, slots and scratch together fit the cache."""

LearningRate = float | Callable[..., Any]


def _clip(name: str, optimizer: Any, value: Any) -> float | None:
    """A bound of gradients, or None; there may be one at a time."""
    if value is None:
        return None
    if not (is_real(value) and value > 0):
        raise ValueError(f"Expected {name} to be positive and finite, or None. Received: {name}={value!r}.")
    given = {other: bound for other in _CLIPS if other != name and (bound := vars(optimizer).get(other)) is not None}
    if given:
        raise ValueError(
            f"Expected gradients to be clipped in one way. Received: {given | {name: float(value)}}. Choose one, and "
            "set the other to None first."
        )
    return float(value)


def _refuse_name(name: str, optimizer: Any, value: Any) -> Any:
    """Raise for an attribute that other libraries have: in an optimizer of this package it would have no effect."""
    if not type(optimizer).__module__.startswith("tinygrad_lite."):
        return value
    raise AttributeError(
        f"{type(optimizer).__name__} has no setting {name!r}. Received: {name}={value!r}. Instead: {_INSTEAD[name]}."
    )


class Optimizer(Checked):
    """What all optimizers share. A subclass gives its slots and its rule.

    Parameters
    ----------
    learning_rate : float, or callable
        A callable is asked at every step; it may take the number of steps done so far. See `optim.schedules`.
    name : str, optional
        Default: the class's name.
    weight_decay : float, optional
        Before each step, weights shrink by this share of them times the learning rate: `w -= learning_rate *
        weight_decay * w`. (Loshchilov and Hutter, 2017)
    clipnorm : float, optional
        A gradient whose norm is larger is scaled down to this norm.
    clipvalue : float, optional
        Elements of gradients are kept between minus and plus this number.
    global_clipnorm : float, optional
        All gradients of a step are scaled by one factor if the norm of all of them together is larger.

    Raises
    ------
    TypeError, ValueError
        `learning_rate` is not a number, is negative or is not finite; another number is out of its range, or
        gradients are to be clipped in two ways.

    Examples
    --------
    An optimizer of one's own:

    >>> import numpy as np
    >>> import tinygrad_lite as tgl
    >>> class SignSGD(Optimizer):
    ...     def update(self, w, g, slots, scratch, learning_rate, step):
    ...         np.sign(g, out=scratch)
    ...         scratch *= learning_rate
    ...         w -= scratch
    >>> w = tgl.Variable([1.0, 2.0])
    >>> SignSGD(0.5, "sign_sgd").apply_gradients([(tgl.constant([0.1, -7.0]), w)])
    >>> w.numpy()
    array([0.5, 2.5], dtype=float32)
    """

    _settings: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "weight_decay": lambda self, value: None if value is None else _not_negative("weight_decay", value),
        **{name: functools.partial(_clip, name) for name in _CLIPS},
        **{name: functools.partial(_refuse_name, name) for name in _INSTEAD if name != "lr"},  # which there is
    }
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None

    hyperparameters: tuple[str, ...] = ()
    """The names of the constructor's arguments, besides `learning_rate` and `name`."""

    def __init__(
        self,
        learning_rate: LearningRate,
        name: str | None = None,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        **surplus: Any,
    ) -> None:
        check_surplus(self, surplus, _WITHOUT_EFFECT, _INSTEAD)
        if not isinstance(name, str | None):
            raise TypeError(
                f"{type(self).__name__} expected a name that is a string. Received: name={name!r}. Pass weight_decay "
                "and ways of clipping by name."
            )
        self.name = name = type(self).__name__ if name is None else name
        self.built = False
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self._iterations = Variable(0, trainable=False, name=f"{name}/iteration", dtype="int64")
        self._learning_rate: Any = None
        self._trainable: list[Variable] = []
        self._index: dict[int, int] = {}
        self._state: dict[str, list[Variable]] = {}
        self._scratch: dict[Any, tuple[Array, Array]] = {}
        self.learning_rate = learning_rate

    # What a subclass gives --------------------------------------------------------------------------------

    def slots(self) -> dict[str, float]:
        """The names of what is remembered for every weight, and the value that it starts with."""
        return {}

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        """Take one step for one block of weights: change `w` and `slots` in place.

        Parameters
        ----------
        w : ndarray, shape (n,)
            Weights.
        g : ndarray, shape (n,)
            Their gradient; not to be written to.
        slots : sequence of ndarrays, shape (n,)
            In the order of `slots()`.
        scratch : ndarray, shape (n,)
            Room for an intermediate result.
        learning_rate : float
        step : int
            1 for the first step.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define update(self, w, g, slots, scratch, learning_rate, step), which "
            "changes w and slots in place."
        )

    # State ------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Variable:
        """The number of steps taken."""
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a Variable, or what the schedule answers now. A number can be assigned."""
        return self._scheduled() if callable(self._learning_rate) else self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if callable(value):
            self._learning_rate = value
            return
        number = _learning_rate(value)
        if isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(number)
        else:
            self._learning_rate = Variable(number, trainable=False, name=f"{self.name}/learning_rate", dtype="float64")

    lr = learning_rate
    """The learning rate, by the name that it has in older code."""

    def _scheduled(self) -> float:
        """The value of a learning rate that is a function of the number of steps, or of nothing."""
        schedule = self._learning_rate
        takes_step = any(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in inspect.signature(schedule).parameters.values()
        )
        return _learning_rate(schedule(self._iterations.item()) if takes_step else schedule())

    @property
    def variables(self) -> list[Variable]:
        """The number of steps, the learning rate (unless it is a schedule), then the slots."""
        if self.built:
            self._follow_slots(self._trainable)
        learning_rate = [self._learning_rate] if isinstance(self._learning_rate, Variable) else []
        return [self._iterations, *learning_rate, *(v for slot in self._state.values() for v in slot)]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that it was built for, in the order of their slots."""
        return list(self._trainable)

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots for `variables`; the first `apply_gradients` does it by itself.

        Raises
        ------
        TypeError
            Something else than a Variable, or one that is not of a floating dtype.
        ValueError
            A Variable comes twice, or the optimizer was built for others.
        """
        variables = list(variables)
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(
                    f"{self.name}.build expected Variables. Received: {variable!r} of type {type(variable).__name__}."
                )
            if variable.dtype.kind != "f":
                raise TypeError(
                    f"{self.name} expected Variables of a floating dtype. Received: {variable.name!r} of dtype "
                    f"{variable.dtype}. What counts in integers has no gradient: leave it out."
                )
        self._refuse_repetitions(variables)
        if self.built:
            self._refuse_foreign(variables)
            return
        self._follow_slots(variables)
        self._trainable = variables
        self._index = {variable._id: n for n, variable in enumerate(variables)}
        self.built = True

    def _follow_slots(self, variables: list[Variable]) -> None:
        """Make the slots that are missing, and let go of those that are not needed any more: a setting may change."""
        slots = self.slots()
        if [*slots] != [*self._state]:
            self._state = {
                slot: self._state.get(slot) or self._new_slot(slot, slots[slot], variables) for slot in slots
            }

    def _new_slot(self, slot: str, start: float, variables: list[Variable]) -> list[Variable]:
        return [
            Variable(np.full(v.shape, start, _wide(v.dtype)), trainable=False, name=f"{self.name}/{v.name}/{slot}")
            for v in variables
        ]

    # A step -----------------------------------------------------------------------------------------------

    def minimize(self, loss: Any, var_list: Iterable[Variable], tape: GradientTape | None = None) -> None:
        """Take one step against the gradient of `loss`.

        Parameters
        ----------
        loss : callable or Tensor
            A function without arguments that returns the loss; or the loss, which `tape` recorded.
        var_list : iterable of Variable
        tape : GradientTape, optional
            Needed where `loss` is a Tensor.

        Raises
        ------
        ValueError
            A Tensor comes without its tape; and as for `apply_gradients`.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> from tinygrad_lite import optim
        >>> w = tgl.Variable([1.0, 2.0])
        >>> optim.SGD(0.25).minimize(lambda: (w * w).sum(), [w])
        >>> w.numpy()
        array([0.5, 1. ], dtype=float32)
        """
        variables = list(var_list)
        if isinstance(loss, Tensor) or not callable(loss):
            if tape is None:
                raise ValueError(
                    "minimize expected a function that returns the loss, or the loss with its tape. Received: "
                    f"loss={loss!r}, tape=None. Pass tape=tape, or write minimize(lambda: ..., variables)."
                )
        else:
            tape = GradientTape() if tape is None else tape
            with tape:
                tape.watch(variables)
                loss = loss()
        self.apply_gradients(zip(tape.gradient(loss, variables), variables))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> None:
        """Take one step: change every Variable by its gradient.

        Parameters
        ----------
        grads_and_vars : iterable of (gradient, Variable)
            As `zip(grads, variables)` gives them. A gradient is a Tensor or an array of its Variable's shape.

        Raises
        ------
        ValueError
            A gradient is None or of a wrong shape, a Variable is not one that the optimizer was built for,
            or comes twice; nothing has been changed then.
        TypeError
            A pair is not a gradient and a Variable.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> w = tgl.Variable([1.0, 2.0])
        >>> with tgl.GradientTape() as tape:
        ...     loss = (w * w).sum()
        >>> SGD(0.25).apply_gradients([(tape.gradient(loss, w), w)])
        >>> w.numpy()
        array([0.5, 1. ], dtype=float32)
        """
        pairs = list(grads_and_vars)
        gradients, variables = self._plain(pairs) or self._checked(pairs)
        if tracing.tracer is None:
            self.step_arrays(gradients, variables)
            if is_strict():
                witness(on_step, self, variables)
        else:
            tracing.tracer.note_update(self, [gradient for gradient, _ in pairs], gradients, variables)

    def step_arrays(self, gradients: Sequence[Array], variables: list[Variable], are_spent: bool = False) -> None:
        """`apply_gradients` without the checks, for gradients that are arrays and were checked once.

        Where they are spent, nobody needs them any more, and no two share memory: a rule may compute in them.
        """
        if not self.built:
            self.build(variables)
        rate = self._learning_rate
        learning_rate = float(rate._array) if isinstance(rate, Variable) else self._scheduled()
        self._follow_slots(self._trainable)  # after the schedule, which may set anything
        step = int(self._iterations._array) + 1
        index, state = self._index, self._state.values()
        slots = [[slot[index[variable._id]].writable() for slot in state] for variable in variables]
        buffers = [variable.writable() for variable in variables]
        rooms = [self._room(w) for w in buffers]
        are_spent = are_spent and self.can_spend() and all(w.dtype != HALF for w in buffers)
        count = self._iterations.writable()
        scales = self._scales(gradients)  # all memory is there before the first change: without it there is no harm
        with np.errstate(all="ignore"):  # a step that diverges shows in the loss
            for w, g, states, (scratch, room), scale in zip(buffers, gradients, slots, rooms, scales):
                w, states = w.ravel(), [slot.ravel() for slot in states]  # views, for they are in one piece
                if are_spent and scale == 1.0 and g.dtype == w.dtype and w.size <= 2 * BLOCK and g.flags.c_contiguous:
                    g = g.ravel()
                    self.update(w, g, states, g, learning_rate, step)
                elif w.size == scratch.size:  # a single block
                    self._update_block(w, g.ravel(), states, scratch, room, learning_rate, step, scale)
                else:
                    self._update_by_blocks(w, g, states, scratch, room, learning_rate, step, scale)
        count[()] = step

    def can_spend(self) -> bool:
        """Whether the rule, as SGD's, can compute in a gradient: nothing is read from it after the first result."""
        return type(self).update is SGD.update and self.clipvalue is self.weight_decay is None

    def _scales(self, gradients: Sequence[Array]) -> list[float]:
        """What each gradient is multiplied by, so that no norm is larger than it may be."""
        if self.clipnorm is not None:
            return [_shrinking(math.sqrt(_sum_of_squares(g)), self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None:
            norm = math.sqrt(sum(_sum_of_squares(g) for g in gradients))
            return [_shrinking(norm, self.global_clipnorm)] * len(gradients)
        return [1.0] * len(gradients)

    def _update_by_blocks(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, room: Array, learning_rate: float, step: int,
        scale: float,
    ) -> None:  # fmt: skip
        """Apply the rule to weights that are more than a block, in place."""
        gradient: Any = g.ravel() if g.flags.c_contiguous else g.flat  # .flat copies a block at a time
        for start in range(0, w.size, BLOCK):
            stop = min(start + BLOCK, w.size)
            self._update_block(
                w[start:stop], gradient[start:stop], [slot[start:stop] for slot in slots],
                scratch[: stop - start], room[: stop - start], learning_rate, step, scale,
            )  # fmt: skip

    def _update_block(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, room: Array, learning_rate: float, step: int,
        scale: float,
    ) -> None:  # fmt: skip
        """Apply the rule to one block, with what all rules have in common before it."""
        if w.dtype == HALF:  # in which small numbers vanish: the step is taken in float32
            narrow, w = w, w.astype(np.float32)
            self._update_block(w, g, slots, scratch, room, learning_rate, step, scale)
            np.copyto(narrow, w, casting="same_kind")
            return
        if g.dtype is not w.dtype and g.dtype != w.dtype:
            np.copyto(room, g)
            g = room
        if scale != 1.0:
            g = np.multiply(g, scale, out=room)
        if self.clipvalue is not None:
            g = np.clip(g, -self.clipvalue, self.clipvalue, out=room)
        if self.weight_decay is not None:
            w -= np.multiply(w, learning_rate * self.weight_decay, out=scratch)
        self.update(w, g, slots, scratch, learning_rate, step)

    def _room(self, w: Array) -> tuple[Array, Array]:
        """Two blocks to compute in: one for the rule, one for a gradient that is scaled, clipped or converted."""
        size, dtype = _block(w.size), _wide(w.dtype)
        room = self._scratch.get((size, dtype))
        if room is None:  # a part of what the largest Variable needs
            widest = max([size, *(_block(v.size) for v in self._trainable)])
            rule, changed = self._scratch.setdefault(
                (widest, dtype), (np.empty(widest, dtype), np.empty(widest, dtype))
            )
            room = self._scratch[size, dtype] = (rule[:size], changed[:size])
        return room

    def _plain(self, pairs: list[Any]) -> tuple[list[Array], list[Variable]] | None:
        """The gradients as arrays and their Variables, if nothing about them calls for a second look."""
        gradients, variables, known = [], [], self._index
        for pair in pairs:
            if type(pair) is not tuple or len(pair) != 2:
                return None
            g, variable = pair
            if type(g) is not Tensor or type(variable) is not Variable or variable._id not in known:
                return None
            gradient = g._array
            if gradient.shape != variable._array.shape or gradient.dtype.kind != "f":
                return None
            gradients.append(gradient)
            variables.append(variable)
        is_once = len({variable._id for variable in variables}) == len(variables)
        return (gradients, variables) if variables and is_once else None

    def _checked(self, pairs: list[Any]) -> tuple[list[Array], list[Variable]]:
        """The gradients as arrays and their Variables, or the error that says what is wrong with them."""
        if not pairs:
            raise ValueError(
                "apply_gradients expected at least one pair (gradient, variable). Received: none. A zip can be "
                "gone through only once: make a new one for every step."
            )
        for pair in pairs:
            if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[1], Variable)):
                raise TypeError(
                    f"apply_gradients expected pairs (gradient, variable). Received: {_kind_of(pair)}. "
                    "Pass zip(grads, variables), the gradients first."
                )
        variables = [variable for _, variable in pairs]
        missing = [variable.name for gradient, variable in pairs if gradient is None]
        if missing:
            raise ValueError(
                f"apply_gradients expected a gradient for every variable. Received: None for {_listed(missing)}. "
                "The usual causes: the loss does not depend on the variable; what depends on it was computed "
                "outside of `with tgl.GradientTape()`, or left the tape through .numpy(), an integer or argmax; "
                "the variable is not trainable and was not watched. tape.explain(loss, variable) says which it is. "
                "Leave out the variables that are not meant to be trained."
            )
        gradients = [g._array if type(g) is Tensor else as_array(g, looks=True) for g, _ in pairs]
        for gradient, variable in zip(gradients, variables):
            if gradient.shape != variable._array.shape:
                raise ValueError(
                    f"apply_gradients expected a gradient of the shape {variable.shape} for {variable.name!r}. "
                    f"Received: gradient.shape={gradient.shape}. Are gradients and variables in the same order?"
                )
            if gradient.dtype.kind not in "fiu":
                raise TypeError(
                    f"apply_gradients expected real numbers as the gradient of {variable.name!r}. Received: "
                    f"gradient.dtype={gradient.dtype}."
                )
        self._refuse_repetitions(variables)
        if self.built:
            self._refuse_foreign(variables)
        return gradients, variables

    def _refuse_repetitions(self, variables: list[Variable]) -> None:
        if len({variable._id for variable in variables}) == len(variables):
            return
        seen: set[int] = set()
        for variable in variables:
            if variable._id in seen:
                raise ValueError(
                    f"{self.name} expected every variable once. Received: {variable.name!r} twice. Add up its "
                    "gradients, or remove the repetition."
                )
            seen.add(variable._id)

    def _refuse_foreign(self, variables: list[Variable]) -> None:
        index = self._index
        foreign = [variable.name for variable in variables if variable._id not in index]
        if foreign:
            raise ValueError(
                f"This {self.name} was built for the variables {_listed([v.name for v in self._trainable])}. "
                f"Received: {_listed(foreign)}, not among them. Use a new optimizer for other variables, or call "
                "build(variables) with all of them before the first step."
            )

    # Saving -----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain numbers (a schedule stays what it is)."""
        rate = self._learning_rate
        config = {"name": self.name, "learning_rate": rate.item() if isinstance(rate, Variable) else rate}
        config |= {name: getattr(self, name) for name in self.hyperparameters}
        options = {name: getattr(self, name) for name in ("weight_decay", *_CLIPS)}
        return config | {name: value for name, value in options.items() if value is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """A new optimizer with the arguments that `get_config` gave."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_scratch": {}, "_index": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._index = {variable._id: n for n, variable in enumerate(self._trainable)}  # identities are new


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    Without momentum `w -= learning_rate * g`. With it, `m = momentum * m - learning_rate * g`, then
    `w += m`, or with `nesterov` `w += momentum * m - learning_rate * g`.

    Parameters
    ----------
    learning_rate : float, or callable
    momentum : float
        From 0 to 1.
    nesterov : bool
        Look ahead along the momentum.
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        `momentum` is out of its range.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(1.0)
    >>> sgd = SGD(learning_rate=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     sgd.apply_gradients([(tgl.constant(1.0), w)])
    >>> w  # 1 - 0.5 - (0.25 + 0.5)
    Variable(-0.25, name='Variable', shape=(), dtype=float32)
    """

    hyperparameters = ("momentum", "nesterov")
    _settings: ClassVar = Optimizer._settings | {
        "momentum": lambda self, value: _fraction("momentum", value),
        "nesterov": lambda self, value: flag("nesterov", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *shared: float | None,
        name: str | None = "SGD",
        **options: Any,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        super().__init__(learning_rate, name, **_by_name(self, shared, options))

    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        np.multiply(g, learning_rate, out=scratch)  # which may be `g`: it is not read again
        if not self.momentum:
            w -= scratch
            return
        (m,) = slots
        m *= self.momentum
        m -= scratch
        if self.nesterov:
            w -= scratch
            w += np.multiply(m, self.momentum, out=scratch)
        else:
            w += m


class Momentum(SGD):
    """Gradient descent with momentum 0.9 by default: see `SGD`.

    Parameters
    ----------
    learning_rate : float, or callable
    momentum : float
        From 0 to 1.
    nesterov : bool
        Look ahead along the momentum.
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Examples
    --------
    >>> Momentum().get_config()
    {'name': 'momentum', 'learning_rate': 0.01, 'momentum': 0.9, 'nesterov': False}
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.9,
        nesterov: bool = False,
        *shared: float | None,
        name: str | None = "momentum",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, momentum, nesterov, *shared, name=name, **options)


class RMSProp(Optimizer):
    """Divide the gradient by the root of a moving average of its square.

    `v = rho * v + (1 - rho) * g²`, then `w -= learning_rate * g / √(v + epsilon)`. With `momentum`, what is
    subtracted is `m = momentum * m + learning_rate * g / √(...)`. With `centered`, the square of a moving
    average of the gradient is taken off `v` under the root, which makes it the gradient's variance.

    Parameters
    ----------
    learning_rate : float, or callable
    rho : float
        How much of the average is kept, from 0 to 1.
    momentum : float
        From 0 to 1.
    epsilon : float
    centered : bool
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        A number is out of its range.

    References
    ----------
    Hinton (2012), Neural Networks for Machine Learning, lecture 6.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(10.0)
    >>> RMSProp(learning_rate=0.1).apply_gradients([(tgl.constant(10.0), w)])
    >>> f"{w.item():.6f}"  # 10 - 0.1 · 10 / √(0.1 · 10²)
    '9.683772'
    """

    hyperparameters = ("rho", "momentum", "epsilon", "centered")
    _settings: ClassVar = Optimizer._settings | {
        "rho": lambda self, value: _fraction("rho", value),
        "momentum": lambda self, value: _fraction("momentum", value),
        "epsilon": lambda self, value: _not_negative("epsilon", value),
        "centered": lambda self, value: flag("centered", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *shared: float | None,
        name: str | None = "rmsprop",
        **options: Any,
    ) -> None:
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(learning_rate, name, **_by_name(self, shared, options))

    def slots(self) -> dict[str, float]:
        names = ["velocity"] + ["momentum"] * bool(self.momentum) + ["average_gradient"] * self.centered
        return dict.fromkeys(names, 0.0)

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        v = slots[0]
        np.multiply(g, 1 - self.rho, out=scratch)
        if self.centered:
            a = slots[-1]
            a *= self.rho
            a += scratch
        scratch *= g
        v *= self.rho
        v += scratch
        if self.centered:
            np.square(a, out=scratch)
            np.subtract(v, scratch, out=scratch)
            np.maximum(scratch, 0, out=scratch)  # a variance, whatever rounding says
            scratch += self.epsilon
        else:
            np.add(v, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= learning_rate
        if self.momentum:
            m = slots[1]
            m *= self.momentum
            m += scratch
            w -= m
        else:
            w -= scratch


RMSprop = RMSProp


class Adagrad(Optimizer):
    """Divide the gradient by the root of the sum of all its squares so far.

    `a += g²`, then `w -= learning_rate * g / √(a + epsilon)`.

    Parameters
    ----------
    learning_rate : float, or callable
    initial_accumulator_value : float
        What the sum starts with.
    epsilon : float
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        A number is negative.

    References
    ----------
    Duchi et al. (2011), Adaptive Subgradient Methods for Online Learning and Stochastic Optimization.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(1.0)
    >>> Adagrad(0.5, initial_accumulator_value=9.0).apply_gradients([(tgl.constant(4.0), w)])
    >>> f"{w.item():.4f}"  # 1 - 0.5 · 4 / √(9 + 4²)
    '0.6000'
    """

    hyperparameters = ("initial_accumulator_value", "epsilon")
    _settings: ClassVar = Optimizer._settings | {
        "initial_accumulator_value": lambda self, value: self._start(value),
        "epsilon": lambda self, value: _not_negative("epsilon", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *shared: float | None,
        name: str | None = "adagrad",
        **options: Any,
    ) -> None:
        self.built = False
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, name, **_by_name(self, shared, options))

    def _start(self, value: float) -> float:
        if self.built and value != self.initial_accumulator_value:
            raise ValueError(
                "Adagrad expected initial_accumulator_value before the first step: the sums have begun with "
                f"{self.initial_accumulator_value}. Received: initial_accumulator_value={value!r}. Make a new Adagrad."
            )
        return _not_negative("initial_accumulator_value", value)

    def slots(self) -> dict[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        (a,) = slots
        a += np.square(g, out=scratch)
        np.add(a, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= learning_rate
        w -= scratch


class Adam(Optimizer):
    """Moving averages of the gradient and of its square, corrected for having started at zero.

    `m += (1 - beta_1) * (g - m)` and `v += (1 - beta_2) * (g² - v)`, then with
    `α = learning_rate * √(1 - beta_2ᵗ) / (1 - beta_1ᵗ)` at step t: `w -= α * m / (√v + epsilon)`. With
    `amsgrad`, the largest `v` so far stands under the root.

    Parameters
    ----------
    learning_rate : float, or callable
    beta_1, beta_2 : float
        How much of each average is kept, at least 0 and below 1.
    epsilon : float
    amsgrad : bool
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        A number is out of its range.

    References
    ----------
    Kingma and Ba (2014), Adam: A Method for Stochastic Optimization; Reddi et al. (2018), On the
    Convergence of Adam and Beyond.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(10.0)
    >>> Adam(learning_rate=0.1).apply_gradients([(tgl.constant(10.0), w)])
    >>> f"{w.item():.4f}"  # the first step is as long as the learning rate
    '9.9000'
    """

    hyperparameters = ("beta_1", "beta_2", "epsilon", "amsgrad")
    _settings: ClassVar = Optimizer._settings | {
        "beta_1": lambda self, value: _fraction("beta_1", value, below_one=True),
        "beta_2": lambda self, value: _fraction("beta_2", value, below_one=True),
        "epsilon": lambda self, value: _not_negative("epsilon", value),
        "amsgrad": lambda self, value: flag("amsgrad", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *shared: float | None,
        name: str | None = "adam",
        **options: Any,
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        super().__init__(learning_rate, name, **_by_name(self, shared, options))

    def slots(self) -> dict[str, float]:
        return dict.fromkeys(["momentum", "velocity"] + ["velocity_hat"] * self.amsgrad, 0.0)

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        m, v = slots[:2]
        np.subtract(g, m, out=scratch)
        scratch *= 1 - self.beta_1
        m += scratch
        np.square(g, out=scratch)
        scratch -= v
        scratch *= 1 - self.beta_2
        v += scratch
        if self.amsgrad:
            v = np.maximum(slots[2], v, out=slots[2])
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= learning_rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        w -= scratch


# By name --------------------------------------------------------------------------------------------------


_OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "rmsprop": RMSProp,
    "adagrad": Adagrad,
    "adam": Adam,
}


def get(identifier: Any) -> Optimizer:
    """The optimizer that `identifier` names.

    Parameters
    ----------
    identifier : str, Optimizer, or subclass of Optimizer
        "sgd", "momentum", "rmsprop", "adagrad" or "adam", whatever the capitals, gives one with its
        defaults; so does a class; an optimizer is returned as it is.

    Raises
    ------
    ValueError
        There is no optimizer of that name.
    TypeError
        `identifier` is something else.

    Examples
    --------
    >>> get("RMSprop").get_config()["rho"]
    0.9
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]  # all but the base class have defaults
    return lookup("optimizer", _OPTIMIZERS, identifier)()  # type: ignore[call-arg]


# Checks ---------------------------------------------------------------------------------------------------


def _block(size: int) -> int:
    """How many of so many elements are updated at a time: one block that is a little larger is quicker than two."""
    return size if size <= 3 * BLOCK // 2 else BLOCK


def _learning_rate(value: Any) -> float:
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.number, np.ndarray, Tensor)):
        raise TypeError(
            "Expected a number or a callable as the learning rate. Received: learning_rate="
            f"{value!r} of type {type(value).__name__}. Try learning_rate=0.001."
        )
    return _not_negative("learning_rate", float(value))


def _by_name(optimizer: Optimizer, shared: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
    """Arguments that every optimizer takes and that were passed by position, with those passed by name."""
    given = dict(zip(_SHARED, shared))
    if len(shared) > len(_SHARED) or given.keys() & options.keys():
        raise TypeError(
            f"{type(optimizer).__name__} expected at the end of its positional arguments at most {', '.join(_SHARED)}, "
            f"in this order, none of them again by name. Received: {list(shared)} and {options}. Pass them by name."
        )
    return given | options


def _not_negative(name: str, value: float) -> float:
    if not (is_real(value) and value >= 0):
        raise ValueError(f"Expected {name} to be finite and at least 0. Received: {name}={value!r}.")
    return float(value)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which a step is taken."""
    return np.dtype(np.float32) if dtype == HALF else dtype


def _sum_of_squares(g: Array) -> float:
    """In double precision, a block at a time."""
    flat: Any = g.reshape(-1) if g.flags.c_contiguous else g.flat
    blocks = (flat[start : start + BLOCK].astype(np.float64) for start in range(0, g.size, BLOCK))
    return float(sum(float(block @ block) for block in blocks))


def _shrinking(norm: float, bound: float) -> float:
    return bound / norm if norm > bound else 1.0


def _fraction(name: str, value: float, *, below_one: bool = False) -> float:
    if not is_real(value) or not (0 <= value < 1 or (value == 1 and not below_one)):
        bound = "below 1" if below_one else "at most 1"
        raise ValueError(f"Expected {name} to be at least 0 and {bound}. Received: {name}={value!r}.")
    return float(value)


def _kind_of(pair: Any) -> str:
    if isinstance(pair, (tuple, list)):
        return "(" + ", ".join(type(item).__name__ for item in pair) + ")"
    return type(pair).__name__


def _listed(names: list[str], limit: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
