"""Einstein sums: products of tensors, summed over the indices that the result does not have.

The gradient of an operand is an Einstein sum too: exchange the output and the operand in the equation. Before the
primitive is called, repeated indices, indices of a single term and axes of length one are removed, so that the
exchange is always possible.
"""

from __future__ import annotations

import operator
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import HALF, Tensor, to_tensors
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.diagonals import diagonal
from tinygrad_lite.ops.half import wide
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import squeeze
from tinygrad_lite.utils.types import Array, DTypeLike, Value


@primitive
def _einsum(*operands: Array, subscripts: str, optimize: Any) -> Array:
    if np.result_type(*operands) == HALF:  # products and sums in float32, rounded once
        return np.asarray(np.einsum(subscripts, *map(wide, operands), optimize=optimize)).astype(HALF)
    return np.einsum(subscripts, *operands, optimize=optimize)


def _einsum_vjp(position: int, g: Value, y: Value, *operands: Value, subscripts: str, optimize: Any) -> Value:
    inputs, output = subscripts.split("->")
    terms, others = inputs.split(","), list(operands)
    terms[position], output, others[position] = output, terms[position], g
    others = [wide(x) for x in others] if g.dtype == HALF else others
    return np.einsum(f"{','.join(terms)}->{output}", *others, optimize=True)


_einsum.defvjp_each(_einsum_vjp)


def einsum(*operands: Any, out: None = None, optimize: Any = False, dtype: DTypeLike | None = None) -> Tensor:
    """An Einstein sum: the product of the operands, summed over the indices that the result does not have.

    Parameters
    ----------
    *operands
        An equation such as "ij,jk->ik" and a Tensor or array-like for each of its terms; or each operand
        followed by the list of its indices as integers (and ... for Ellipsis), in the end that of the result.
        An index may repeat within a term (a diagonal), "..." stands for axes that broadcast, and without "->"
        the result has, in alphabetical order, the indices that occur once.
    out : None
    optimize : bool, "greedy", "optimal" or a path of `np.einsum_path`
        In which order more than two operands are multiplied. The gradient always chooses a good one.
    dtype : dtype, optional
        Convert the operands to it first.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The equation cannot be read, or the shapes do not fit it.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> a = tgl.constant([[1.0, 2.0], [3.0, 4.0]])
    >>> tgl.einsum("ii", a).item(), tgl.einsum("ij->ji", a).tolist()
    (5.0, [[1.0, 3.0], [2.0, 4.0]])
    >>> tgl.einsum(a, [0, 1], a, [1, 2], [0, 2]).tolist()
    [[7.0, 10.0], [15.0, 22.0]]
    """
    refuse_out("einsum", out)
    equation, arrays = _equation(operands)
    tensors = to_tensors(*arrays) if dtype is None else [cast(x, dtype) for x in arrays]
    terms, output = _terms(equation, [x.shape for x in tensors])
    # The terms that reach the primitive have no index twice in a term, none of length one where another term's is
    # longer, and none that is summed in one term alone. So the rule may exchange terms as they are.
    for n, term in enumerate(terms):
        terms[n], tensors[n] = _without_repeats(term, tensors[n], equation)
    lengths = _lengths(terms, tensors, equation)
    for n, term in enumerate(terms):
        short = [axis for axis, index in enumerate(term) if tensors[n].shape[axis] == 1 != lengths[index]]
        terms[n], tensors[n] = _drop(term, short), squeeze(tensors[n], axis=tuple(short)) if short else tensors[n]
    occurrences, common = Counter("".join(terms) + output), np.result_type(*(x.dtype for x in tensors))
    for n, term in enumerate(terms):
        lone = [axis for axis, index in enumerate(term) if occurrences[index] == 1]
        if lone:
            terms[n], tensors[n] = _drop(term, lone), sum_(tensors[n], axis=tuple(lone), dtype=common)
    return _einsum(*tensors, subscripts=f"{','.join(terms)}->{output}", optimize=optimize)


def _drop(term: str, axes: Sequence[int]) -> str:
    return "".join(index for axis, index in enumerate(term) if axis not in axes)


def _equation(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The equation as a string without spaces, and the operands."""
    if operands and isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    arrays, sublists = list(operands[0::2]), list(operands[1::2])
    result = arrays.pop() if len(operands) % 2 else None  # the last list is that of the result
    if not arrays:
        raise ValueError(
            "einsum expected an equation and its operands, or operands with lists of indices. Received: "
            f"{len(operands)} arguments. For example: einsum('ij,jk->ik', a, b)."
        )
    letters = string.ascii_uppercase + string.ascii_lowercase  # in the order in which ASCII sorts them

    def term(sublist: Any) -> str:
        try:
            return "".join("..." if n is Ellipsis else letters[operator.index(n)] for n in sublist)
        except (TypeError, IndexError):
            raise ValueError(
                f"einsum expected lists of integers from 0 to 51, or of ..., after its operands. Received: {sublist!r}."
            ) from None

    equation = ",".join(term(sublist) for sublist in sublists)
    return equation if result is None else f"{equation}->{term(result)}", arrays


def _terms(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The terms of the operands and of the result, without ellipses."""

    def complain(what: str) -> ValueError:
        return ValueError(f"einsum expected {what}. Received: {equation!r} for operands of shapes {shapes}.")

    inputs, arrow, output = equation.partition("->")
    terms = inputs.split(",")
    if not set(equation.replace("...", "").replace("->", "", 1)) <= {*string.ascii_letters, ","} or "," in output:
        raise complain("an equation of letters, commas, one '->' and '...'")
    if len(terms) != len(shapes):
        raise complain(f"an equation with a term for each of {len(shapes)} operands, between commas")
    hidden = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes)]
    for term, count in zip(terms, hidden):
        if term.count("...") > 1 or output.count("...") > 1:
            raise complain("at most one '...' in a term")
        if count < 0 or (count and "..." not in term):
            raise complain(f"a letter for each axis, in the term {term!r}")
    free = [letter for letter in string.ascii_letters if letter not in equation]
    broadcast = "".join(free[: max(hidden, default=0)])
    terms = [
        term.replace("...", broadcast[len(broadcast) - count :] if count else "") for term, count in zip(terms, hidden)
    ]
    if arrow:
        if broadcast and "..." not in output:
            raise complain("'...' in the result, for the axes that it stands for in the operands")
        output = output.replace("...", broadcast)
    else:
        occurrences = Counter("".join(terms))
        output = broadcast + "".join(sorted(n for n in occurrences if occurrences[n] == 1 and n not in broadcast))
    if len(set(output)) < len(output) or not set(output) <= set("".join(terms)):
        raise complain("each letter of the result once in it, and in an operand")
    return terms, output


def _without_repeats(term: str, x: Tensor, equation: str) -> tuple[str, Tensor]:
    """Take the diagonal where an index occurs twice in a term."""
    for index in dict.fromkeys(term):
        while term.count(index) > 1:
            first, second = term.index(index), term.rindex(index)
            if x.shape[first] != x.shape[second]:
                raise ValueError(
                    f"einsum expected axes of one length for the index {index!r}, which a term repeats. Received: "
                    f"{x.shape[first]} and {x.shape[second]}, in {equation!r}."
                )
            term, x = _drop(term, (first, second)) + index, diagonal(x, axis1=first, axis2=second)
    return term, x


def _lengths(terms: list[str], tensors: list[Tensor], equation: str) -> dict[str, int]:
    """The length of each index; axes of length one broadcast."""
    lengths: dict[str, int] = {}
    for term, x in zip(terms, tensors):
        for index, length in zip(term, x.shape):
            known = lengths.setdefault(index, length)
            if known == 1:
                lengths[index] = length
            elif length not in (1, known):
                raise ValueError(
                    f"einsum expected axes of one length for the index {index!r}. Received: {known} and {length}, in "
                    f"{equation!r} for operands of shapes {[x.shape for x in tensors]}."
                )
    return lengths
