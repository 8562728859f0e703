"""GradientTape: what it watches, and the gradients that it computes.

While a tape is open, every primitive that is applied to something that the tape watches appends one entry to the
tape's record (`record`, `calling`). The record is in topological order, so `gradient` walks it once from its end,
without sorting and without recursion (`backward`). The semantics are those of TensorFlow 2's `tf.GradientTape`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.core.arguments import UnconnectedGradients, answer_of, seeds_of, tensors_of, unconnected_of
from tinygrad_lite.core.backward import distinct, is_small, twin, walk, walk_observer, walk_small
from tinygrad_lite.core.jacobian import batch_jacobian, jacobian
from tinygrad_lite.core.record import (
    FIELDS,
    INPUTS,
    Entry,
    backwards,
    entries_of,
    leads_to,
    new_id,
    popping,
    state,
)
from tinygrad_lite.core.sharing import shared
from tinygrad_lite.core.strict import is_strict, notify, on_gradient, warn_or_raise
from tinygrad_lite.core.structure import Structure, flatten, map_structure
from tinygrad_lite.core.tensor import Tensor, TensorLike, detached, wrap
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.names import explain_calls

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["GradientTape", "stop_gradient"]


_numpy: Any = np  # NumPy's functions as they also answer to Tensors, which its type stubs do not know
_naming = threading.Lock()  # held to give an identity to a tensor that another thread may watch at the same time


def stop_gradient(x: TensorLike) -> Tensor:
    """The value of `x`, as a constant: no gradient flows back through it.

    Parameters
    ----------
    x : Tensor or array-like

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> v = tgl.Variable(3.0)
    >>> with tgl.GradientTape() as tape:
    ...     y = v * tgl.stop_gradient(v)
    >>> tape.gradient(y, v)
    Tensor(3., shape=(), dtype=float32)
    """
    if not isinstance(x, Tensor):
        return Tensor(x)
    y = detached(x)
    for tape in state.tapes:
        if x._id in tape._watched or x._id in tape._beyond or isinstance(x, Variable):
            y._id = y._id or new_id()
            tape._dead_ends[y._id] = "stop_gradient"
            tape._beyond[y._id] = ("stop_gradient", (x._id,))
    return y


class GradientTape:
    """Records operations for automatic differentiation.

    Trainable Variables are watched automatically when an operation reads them, other tensors after
    `watch`. Tapes nest, which gives derivatives of higher order.

    Parameters
    ----------
    persistent : bool
        Keep the record after `gradient`, so that more gradients can be asked for. Entered again, such a tape goes
        on with the record that it has.
    watch_accessed_variables : bool
        Whether trainable Variables are watched automatically.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.constant(3.0)
    >>> with tgl.GradientTape() as outer:
    ...     outer.watch(x)
    ...     with tgl.GradientTape() as inner:
    ...         inner.watch(x)
    ...         y = x * x * x
    ...     dy_dx = inner.gradient(y, x)
    >>> dy_dx, outer.gradient(dy_dx, x)
    (Tensor(27., shape=(), dtype=float32), Tensor(18., shape=(), dtype=float32))
    """

    _add: Any  # the primitive, set by ops.operators

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._entered = False
        self._recording = False  # inside of its context and not stopped, in whatever thread
        self._used = False
        self._serial = new_id()
        self._around: frozenset[int] = frozenset()  # serials of the tapes that recorded whatever this one did
        self._watched_later: list[Tensor] = []  # tensors to watch when the used tape is entered again
        self._clear()

    def _clear(self) -> None:
        self._record: list[Any] = []  # see `entries_of`
        self._watched: set[int] = set()  # identities that have a gradient
        self._roots: set[int] = set()  # those of them that were watched, not computed
        self._variables: dict[int, Variable] = {}
        self._read: dict[int, Variable] = {}  # trainable ones that were read, but not watched
        self._dead_ends: dict[int, str] = {}  # outputs of primitives without a gradient, and the name of these
        # dead ends and what was computed from them: by which primitive, from what
        self._beyond: dict[int, tuple[str, Any]] = {}
        self._left: dict[int, str] = {}  # identities of values that were converted to NumPy or Python, and how
        self._assignments: list[tuple[int, str, int, int]] = []  # when, how, to which Variable, which value
        self._pauses: list[tuple[int, int]] = []  # first and last identity of the times it was stopped
        self._seeds: dict[int, Tensor] = {}  # the output gradients of the last call of `gradient`, if persistent
        self._scopes: list[tuple[int, tuple[str, ...]]] = [(0, state.scopes)]

    # Recording --------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError(
                "This GradientTape is recording already and cannot be entered again. Leave its context first, "
                "or open another tape: tapes nest."
            )
        if self._used and not self._persistent:
            self._clear()
            for tensor in self._watched_later:
                self._watch(tensor)
            self._watched_later = []
        self._entered, self._used, self._recording = True, False, True
        self._scopes.append((len(self._record) // FIELDS, state.scopes))
        tapes = state.tapes
        around = frozenset([tape._serial for tape in tapes])
        self._around = around & self._around if self._record else around
        tapes.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._recording = False
        tapes = state.tapes
        if tapes and tapes[-1] is self:
            tapes.pop()
        else:
            tapes[:] = [tape for tape in tapes if tape is not self]

    def __reduce__(self) -> Any:
        raise TypeError(
            "A GradientTape cannot be pickled or copied: its record belongs to this process. Pickle the "
            "gradients that it computed, or record again in the other process."
        )

    def watch(self, tensor: Structure) -> None:
        """Follow `tensor` from here on, so that gradients with respect to it can be taken.

        Parameters
        ----------
        tensor : Tensor, or list, tuple or dict of Tensors
            Of a floating dtype.

        Raises
        ------
        ValueError
            Something else than a Tensor.

        Warns
        -----
        UserWarning
            A tensor of integers or booleans: it carries no gradient, and is not watched.
        """
        for leaf in flatten(tensor):
            if not isinstance(leaf, Tensor):
                raise ValueError(
                    f"tape.watch expected a Tensor. Received: {leaf!r} of type {type(leaf).__name__}. "
                    "Make it one with tgl.constant(...) before the computation, and compute with that."
                )
            if leaf.dtype.kind != "f":
                warn_or_raise(
                    f"tape.watch expected a floating dtype. Received: dtype={leaf.dtype}. Integers and booleans "
                    "carry no gradient: it will be None. Convert with tgl.cast(tensor, 'float32') before."
                )
                continue
            with _naming:
                leaf._id = leaf._id or new_id()
            if self._used and not self._persistent:
                self._watched_later.append(leaf)
            elif leaf._id not in self._watched:
                self._forget(leaf._id)
                self._watch(leaf)
            else:
                self._watch(leaf)

    def _watch(self, tensor: Tensor) -> None:
        self._watched.add(tensor._id)
        self._roots.add(tensor._id)
        if isinstance(tensor, Variable):
            self._variables[tensor._id] = tensor

    def _forget(self, identity: int) -> None:
        """Make a constant of the tensor in the entries so far: it was used before it was watched."""
        record = self._record
        for place in range(INPUTS, len(record), FIELDS):
            if identity in record[place]:
                record[place] = tuple([0 if key == identity else key for key in record[place]])

    def _access(self, x: Tensor) -> None:
        """An operation reads a Variable: watch it if it is trainable, and tapes may watch it automatically."""
        if isinstance(x, Variable) and x.trainable and x._id not in self._watched:
            if not self._watch_accessed_variables:
                self._read[x._id] = x
            elif x._array.dtype.kind == "f":
                self._watch(x)
            else:
                self._variables[x._id] = x

    def watched_variables(self) -> tuple[Variable, ...]:
        """The Variables that this tape watches, in the order in which they were created.

        Those of integers are among them, as in TensorFlow; their gradient is None.
        """
        return tuple(self._variables[key] for key in sorted(self._variables))

    def reset(self) -> None:
        """Forget everything recorded and watched; an open tape goes on recording from here."""
        self._clear()
        self._watched_later = []

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A context in which this tape, and no other, does not record.

        Raises
        ------
        ValueError
            The tape is not recording.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> v = tgl.Variable(2.0)
        >>> with tgl.GradientTape() as tape:
        ...     y = v * v
        ...     with tape.stop_recording():
        ...         scale = y * y
        ...     z = y * scale
        >>> tape.gradient(z, v)
        Tensor(64., shape=(), dtype=float32)
        """
        position = next((n for n, tape in enumerate(state.tapes) if tape is self), None)
        if position is None:
            raise ValueError(
                "stop_recording expected a tape that is recording. Received: a tape outside of its context. "
                "Call it inside of `with tape:`."
            )
        self._stop()
        start = new_id()
        try:
            yield
        finally:
            self._pauses.append((start, new_id()))
            if self._persistent or not self._used:
                state.tapes.insert(min(position, len(state.tapes)), self)
                self._recording = True

    # Reading ----------------------------------------------------------------------------------------------

    @property
    def persistent(self) -> bool:
        """Whether the record outlives `gradient`."""
        return self._persistent

    def record(self) -> list[Entry]:
        """The recorded applications of primitives, in the order of execution.

        Raises
        ------
        RuntimeError
            The record was released by `gradient`, or there never was one.
        """
        if self._used and not self._persistent:
            raise RuntimeError(
                "This tape released its record when it computed a gradient. Read the record (or draw it) before "
                "calling gradient, or use GradientTape(persistent=True)."
            )
        if not self._entered:
            raise RuntimeError("This tape has no record: it was never entered. Compute inside of `with tape:`.")
        return [Entry(*entry) for entry in entries_of(self._record)]

    # Differentiating --------------------------------------------------------------------------------------

    if TYPE_CHECKING:  # set by diagnostics
        # an Explanation, a class of `diagnostics`, which imports this file
        def explain(self, target: Tensor, source: Tensor) -> Any: ...

    def gradient(
        self,
        target: Structure,
        sources: Structure,
        output_gradients: Structure = None,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
    ) -> Structure:
        """The derivative of the sum of `target` with respect to `sources`, by reverse accumulation.

        Parameters
        ----------
        target : Tensor, or list, tuple or dict of Tensors
            Of any shape: its elements are summed, and so are several targets.
        sources : Tensor, or list, tuple or dict of Tensors
            Watched tensors, or results computed from them.
        output_gradients : Tensor or list of Tensors, optional
            What each target's elements are weighted with before they are summed: of the target's dtype,
            and of a shape that broadcasts to the target's. Default: ones.
        unconnected_gradients : "none" or "zero"
            What is returned for a source that `target` does not depend on.

        Returns
        -------
        Tensor or None, or the structure of `sources` filled with them
            Each of the shape and dtype of its source.

        Raises
        ------
        RuntimeError
            A second call on a tape that is not persistent, or the tape was never entered.
        TypeError
            A target or a source is not a Tensor.
        ValueError
            `output_gradients` do not fit the targets.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> w, b = tgl.Variable(2.0), tgl.Variable(1.0)
        >>> with tgl.GradientTape() as tape:
        ...     y = w * 3.0 + b
        >>> tape.gradient(y, {"w": w, "b": b})
        {'w': Tensor(3., shape=(), dtype=float32), 'b': Tensor(1., shape=(), dtype=float32)}
        """
        unconnected = unconnected_of(unconnected_gradients)
        targets = tensors_of(target, "target")
        leaves = tensors_of(sources, "source")
        seeds = seeds_of(targets, output_gradients)
        self._use(targets)
        if self._persistent:
            self._seeds = {}
            for target, seed in zip(targets, seeds):
                if target._id:  # else no tape watches it
                    known = self._seeds.get(target._id)  # of a target that was given twice, weights add up
                    self._seeds[target._id] = seed if known is None else wrap(known._array + seed._array)
        _warn_of_integer_targets(self, targets)
        if is_strict():
            notify(on_gradient, self, targets, leaves)
        found = self._pull_back(targets, seeds, leaves, release=not self._persistent)
        if is_strict():
            _refuse_unreached(leaves, found)
        answers = [answer_of(source, gradient, unconnected) for source, gradient in zip(leaves, found)]
        if leaves is sources:
            return answers
        rest = iter(answers)
        return map_structure(lambda _: next(rest), sources)

    jacobian = jacobian
    batch_jacobian = batch_jacobian

    def _use(self, targets: list[Tensor]) -> None:
        """Account for one computation of gradients, or raise if there is nothing to compute them from."""
        if not self._entered:
            raise RuntimeError(
                "This GradientTape was never entered, so it recorded nothing. Compute the target inside of "
                "`with tgl.GradientTape() as tape:`."
            )
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians). "
                "Ask for all sources in one call, or use GradientTape(persistent=True)."
            )
        for target in targets:
            self._access(target)  # a Variable that is asked for is read
        self._used = True
        if self._recording and not self._persistent:
            self._stop()

    def _pull_back(self, targets: list[Tensor], seeds: list[Any], sources: list[Tensor], *, release: bool) -> list[Any]:
        """Gradients of the seeded targets with respect to `sources`, as Tensors or None."""
        observer = walk_observer()  # of tapes around, or of this one
        recorded = observer is not None
        before = new_id()
        gradients: dict[int, Any] = {}
        for target, seed in zip(targets, seeds):
            if target._id in self._watched and target._array.dtype.kind == "f":
                seed = seed._array if not recorded else twin(seed) if seed._id else seed
                known = gradients.get(target._id)
                gradients[target._id] = seed if known is None else known + seed
        record = self._record
        if release:
            self._record = []
        wanted = {source._id for source in sources}
        useful = self._watched if self._roots <= wanted else leads_to(wanted & self._watched, entries_of(record))
        state.pulling_back += 1
        try:
            with np.errstate(all="ignore"):  # division by zero is expected here: see the zero rule
                if observer is not None:
                    with shared(self, record, targets):
                        entries = observer.examined(popping(record) if release else backwards(record))
                        found = walk(entries, gradients, useful, wanted, observer)
                        answers = [found.get(x._id) if x._id in self._watched else None for x in sources]
                        return distinct(answers, before)
                elif is_small(record):
                    found = walk_small(record, gradients, useful, wanted)
                else:
                    found = walk(popping(record) if release else backwards(record), gradients, useful, wanted)
        finally:
            state.pulling_back -= 1
        return [found.get(source._id) if source._id in self._watched else None for source in sources]


explain_calls(GradientTape)


# Answers ------------------------------------------------------------------------------------


def _warn_of_integer_targets(tape: GradientTape, targets: list[Tensor]) -> None:
    for target in targets:
        if target._array.dtype.kind != "f":
            origin = tape._dead_ends.get(target._id)
            what = f"{origin} is not differentiable: its result has" if origin else "The target has"
            warn_or_raise(
                f"{what} dtype {target.dtype}, which carries no gradient: the gradient is None. Differentiate a "
                "floating value instead: what was compared or counted, or a smooth stand-in for it."
            )


def _refuse_unreached(sources: list[Tensor], gradients: list[Any]) -> None:
    """Raise for a Variable that has no gradient; called where `tgl.strict` is on."""
    for source, gradient in zip(sources, gradients):
        if gradient is None and isinstance(source, Variable):
            warn_or_raise(
                f"The target does not depend on the Variable {source.name!r}: its gradient is None. Leave it out of "
                "the sources if that is meant; tape.explain(target, variable) says where the way ends."
            )
