"""The base of all optimizers: learning rate, state, clipping, and the walk over the weights.

An optimizer is two things: the numbers that it keeps for every weight (its slots), and one rule that takes a step. A
rule is elementwise, so it is applied to the weights block by block, in place. A block and its gradient stay in the
processor's cache from the first multiplication of the rule to the last, and no temporary is larger than a block.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.core.record import tracing
from tinygrad_lite.core.strict import is_strict, notify, on_step
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import HALF, Tensor, TensorLike
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.optim.pairs import checked, plain, refuse_foreign, refuse_repetitions
from tinygrad_lite.optim.settings import CLIPS, OTHER_NAMES, WITHOUT_EFFECT, clip, not_negative, refuse_name
from tinygrad_lite.optim.settings import learning_rate as as_learning_rate
from tinygrad_lite.utils.names import check_surplus
from tinygrad_lite.utils.settings import Checked
from tinygrad_lite.utils.types import Array

__all__ = ["LearningRate", "Optimizer"]

BLOCK = 1 << 16
"""Elements that a rule updates at a time: weights, gradient, slots and scratch together fit into the cache."""
LearningRate = float | Callable[[int], float] | Callable[[], float]
"""A number, or a function of the number of steps done so far, or of nothing."""


class Optimizer(Checked):
    """The base class of optimizers. A subclass defines its slots and its rule.

    Parameters
    ----------
    learning_rate : float, or callable
        A callable is called at every step, with the number of steps done so far if it takes an argument. See
        `optim.schedules`.
    name : str, optional
        Default: the class's name.
    weight_decay : float, optional
        Before each step, `w -= learning_rate * weight_decay * w`. (Loshchilov and Hutter, 2017)
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
    A custom optimizer:

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
        "weight_decay": lambda self, value: None if value is None else not_negative("weight_decay", value),
        **{name: functools.partial(clip, name) for name in CLIPS},
        **{name: functools.partial(refuse_name, name) for name in OTHER_NAMES if name != "lr"},  # a property
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
        check_surplus(self, surplus, WITHOUT_EFFECT, OTHER_NAMES)
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
        self._scratch: dict[tuple[int, np.dtype[Any]], tuple[Array, Array]] = {}
        self.learning_rate = learning_rate

    # What a subclass defines ------------------------------------------------------------------------------

    def slots(self) -> dict[str, float]:
        """The names of the numbers that are kept for every weight, and the values that they start with."""
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
            Their gradient; it must not be changed.
        slots : sequence of ndarrays, shape (n,)
            In the order of `slots()`.
        scratch : ndarray, shape (n,)
            Memory for an intermediate result.
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
    def learning_rate(self) -> Any:  # a Variable, or a float: `isinstance` tells which
        """The learning rate: a Variable, or the current value of the schedule. A number can be assigned."""
        return self._scheduled() if callable(self._learning_rate) else self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if callable(value):
            self._learning_rate = value
            return
        number = as_learning_rate(value)
        if isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(number)
        else:
            self._learning_rate = Variable(number, trainable=False, name=f"{self.name}/learning_rate", dtype="float64")

    lr = learning_rate
    """The older name of `learning_rate`."""

    def _scheduled(self) -> float:
        """The value of a learning rate that is a function of the number of steps, or without arguments."""
        schedule = self._learning_rate
        takes_step = any(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in inspect.signature(schedule).parameters.values()
        )
        return as_learning_rate(schedule(self._iterations.item()) if takes_step else schedule())

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
            An item is not a Variable, or its dtype is not floating.
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
                    f"{variable.dtype}. Integers have no gradient: leave this Variable out."
                )
        self._validate(variables)
        if self.built:
            return
        self._follow_slots(variables)
        self._trainable = variables
        self._index = {variable._id: n for n, variable in enumerate(variables)}
        self.built = True

    def _follow_slots(self, variables: list[Variable]) -> None:
        """Make missing slots and remove those that are no longer needed: settings may have changed."""
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

    def minimize(
        self, loss: Tensor | Callable[[], Tensor], var_list: Iterable[Variable], tape: GradientTape | None = None
    ) -> None:
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
            `loss` is a Tensor and `tape` is missing; and as for `apply_gradients`.

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

    def apply_gradients(self, grads_and_vars: Iterable[tuple[TensorLike | None, Variable]]) -> None:
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
        >>> from tinygrad_lite import optim
        >>> w = tgl.Variable([1.0, 2.0])
        >>> with tgl.GradientTape() as tape:
        ...     loss = (w * w).sum()
        >>> optim.SGD(0.25).apply_gradients([(tape.gradient(loss, w), w)])
        >>> w.numpy()
        array([0.5, 1. ], dtype=float32)
        """
        pairs = list(grads_and_vars)
        gradients, variables = plain(pairs, self._index) or self._checked(pairs)
        if tracing.tracer is None:
            self.step_arrays(gradients, variables)
            if is_strict():
                notify(on_step, self, variables)
        else:
            tracing.tracer.note_update(self, [gradient for gradient, _ in pairs], gradients, variables)

    def step_arrays(self, gradients: Sequence[Array], variables: list[Variable], are_donated: bool = False) -> None:
        """`apply_gradients` without the checks, for gradients that are arrays and were checked once.

        Gradients are donated if they are not used afterwards and share no memory: then a rule may compute in them.
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
        blocks = [self._scratch_for(w) for w in buffers]
        are_donated = are_donated and self.accepts_donations() and all(w.dtype != HALF for w in buffers)
        count = self._iterations.writable()
        scales = self._scales(
            gradients
        )  # after this no memory is allocated: a MemoryError leaves the weights as they are
        with np.errstate(all="ignore"):  # divergence shows in the loss
            for w, g, states, (scratch, spare), scale in zip(buffers, gradients, slots, blocks, scales):
                w, states = w.ravel(), [slot.ravel() for slot in states]  # views: they are contiguous
                if are_donated and scale == 1.0 and g.dtype == w.dtype and w.size <= 2 * BLOCK and g.flags.c_contiguous:
                    g = g.ravel()
                    self.update(w, g, states, g, learning_rate, step)
                elif w.size == scratch.size:  # a single block
                    self._update_block(w, g.ravel(), states, scratch, spare, learning_rate, step, scale)
                else:
                    self._update_by_blocks(w, g, states, scratch, spare, learning_rate, step, scale)
        count[()] = step

    def accepts_donations(self) -> bool:
        """Whether the rule may overwrite a gradient: it does not read the gradient after its first result."""
        return False

    def _scales(self, gradients: Sequence[Array]) -> list[float]:
        """The factor of each gradient that brings its norm below the bound."""
        if self.clipnorm is not None:
            return [_shrinking(math.sqrt(_sum_of_squares(g)), self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None:
            norm = math.sqrt(sum(_sum_of_squares(g) for g in gradients))
            return [_shrinking(norm, self.global_clipnorm)] * len(gradients)
        return [1.0] * len(gradients)

    def _update_by_blocks(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, spare: Array, learning_rate: float, step: int,
        scale: float,
    ) -> None:  # fmt: skip
        """Apply the rule, block by block, to weights that are larger than a block."""
        gradient: Any = g.ravel() if g.flags.c_contiguous else g.flat  # .flat copies a block at a time
        for start in range(0, w.size, BLOCK):
            stop = min(start + BLOCK, w.size)
            self._update_block(
                w[start:stop], gradient[start:stop], [slot[start:stop] for slot in slots],
                scratch[: stop - start], spare[: stop - start], learning_rate, step, scale,
            )  # fmt: skip

    def _update_block(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, spare: Array, learning_rate: float, step: int,
        scale: float,
    ) -> None:  # fmt: skip
        """Scale, clip and convert the gradient, decay the weights, and apply the rule to one block."""
        if w.dtype == HALF:  # float16 would lose small numbers: the step is taken in float32
            narrow, w = w, w.astype(np.float32)
            self._update_block(w, g, slots, scratch, spare, learning_rate, step, scale)
            np.copyto(narrow, w, casting="same_kind")
            return
        if g.dtype is not w.dtype and g.dtype != w.dtype:
            np.copyto(spare, g)
            g = spare
        if scale != 1.0:
            g = np.multiply(g, scale, out=spare)
        if self.clipvalue is not None:
            g = np.clip(g, -self.clipvalue, self.clipvalue, out=spare)
        if self.weight_decay is not None:
            w -= np.multiply(w, learning_rate * self.weight_decay, out=scratch)
        self.update(w, g, slots, scratch, learning_rate, step)

    def _scratch_for(self, w: Array) -> tuple[Array, Array]:
        """Two blocks of scratch: one for the rule, one for a gradient that is scaled, clipped or converted."""
        size, dtype = _block(w.size), _wide(w.dtype)
        blocks = self._scratch.get((size, dtype))
        if blocks is None:  # a part of the block for the largest Variable
            widest = max([size, *(_block(v.size) for v in self._trainable)])
            rule, changed = self._scratch.setdefault(
                (widest, dtype), (np.empty(widest, dtype), np.empty(widest, dtype))
            )
            blocks = self._scratch[size, dtype] = (rule[:size], changed[:size])
        return blocks

    def _checked(self, pairs: list[Any]) -> tuple[list[Array], list[Variable]]:
        """The gradients as arrays and their Variables, or the error that says what is wrong with them."""
        gradients, variables = checked(pairs)
        self._validate(variables)
        return gradients, variables

    def _validate(self, variables: list[Variable]) -> None:
        refuse_repetitions(self.name, variables)
        if self.built:
            refuse_foreign(self.name, variables, self._trainable)

    # Saving -----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain numbers. A schedule stays an object."""
        rate = self._learning_rate
        config = {"name": self.name, "learning_rate": rate.item() if isinstance(rate, Variable) else rate}
        config |= {name: getattr(self, name) for name in self.hyperparameters}
        options = {name: getattr(self, name) for name in ("weight_decay", *CLIPS)}
        return config | {name: value for name, value in options.items() if value is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """A new optimizer with the arguments that `get_config` returned."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_scratch": {}, "_index": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._index = {variable._id: n for n, variable in enumerate(self._trainable)}  # identities are new


def _block(size: int) -> int:
    """How many of `size` elements are updated at a time: one slightly larger block is faster than two."""
    return size if size <= 3 * BLOCK // 2 else BLOCK


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which a step is computed."""
    return np.dtype(np.float32) if dtype == HALF else dtype


def _sum_of_squares(g: Array) -> float:
    """In double precision, a block at a time."""
    flat: Any = g.reshape(-1) if g.flags.c_contiguous else g.flat
    blocks = (flat[start : start + BLOCK].astype(np.float64) for start in range(0, g.size, BLOCK))
    return float(sum(float(block @ block) for block in blocks))


def _shrinking(norm: float, bound: float) -> float:
    return bound / norm if norm > bound else 1.0
