"""Doctests that compare numbers with a tolerance, because the last bits of float32 depend on the machine.

NumPy picks other instructions for other processors, and BLAS adds in another order; so one machine prints 2. where
another prints 2.0000002. Python's doctest compares text. `CloseNumbers` compares the same text, with these exceptions:

- A number with a point or an exponent may differ by `RELATIVE`. Where 0 is expected or received, the other may be up to
  `ABSOLUTE`. Whole numbers are compared exactly: they are shapes, counts and classes.
- Inside brackets any white space is as good as any other, or none: the columns of an array are as wide as its numbers.
- `...` stands for anything, as with `doctest.ELLIPSIS`.
"""

import doctest
import re

RELATIVE = 1e-4
ABSOLUTE = 1e-6  # around 0, where a cancellation leaves some rounding error

_TOKENS = re.compile(
    r"""
    (?P<ellipsis> \.\.\. )
  | (?P<float> (?<![\w.]) [-+]? (?: (?: \d+\.(?!\.)\d* | \.\d+ ) (?:[eE][-+]?\d+)? | \d+[eE][-+]?\d+ ) (?!\w) )
  | (?P<word> \w+ )
  | (?P<space> \s+ )
  | (?P<other> . )
    """,
    re.VERBOSE,
)


def tokens(text):
    """The pieces of a text that are compared with each other: floats as numbers, all else as text."""
    found, depth = [], 0
    for match in _TOKENS.finditer(text.strip()):
        kind, piece = match.lastgroup, match.group()
        depth += (piece in "([{") - (piece in ")]}") if kind == "other" else 0
        if kind == "space" and depth > 0:
            continue
        found.append(float(piece) if kind == "float" else piece)
    return found


def is_close(want, got):
    """Whether two pieces are the same text, or numbers that are the same up to rounding."""
    if isinstance(want, str) or isinstance(got, str):
        return want == got
    if 0 in (want, got):
        return abs(want - got) <= ABSOLUTE
    return want == got or abs(want - got) <= RELATIVE * abs(want)


def matches(want, got, wildcard):
    """Whether a list of pieces is as another says, in which `wildcard` stands for any number of pieces."""
    i = j = 0
    retry = None  # where to go on if something does not fit: after the last wildcard, one piece later
    while j < len(got):
        if i < len(want) and want[i] == wildcard:
            i += 1
            retry = i, j
        elif i < len(want) and is_close(want[i], got[j]):
            i, j = i + 1, j + 1
        elif retry:
            retry = retry[0], retry[1] + 1
            i, j = retry
        else:
            return False
    return all(piece == wildcard for piece in want[i:])


class CloseNumbers(doctest.OutputChecker):
    """Compares what an example printed with what it should print, as the head of this file says."""

    def check_output(self, want, got, optionflags):
        if super().check_output(want, got, optionflags):
            return True
        wildcard = "..." if optionflags & doctest.ELLIPSIS else None
        return matches(tokens(want), tokens(got), wildcard)


def runner():
    """A runner of doctests that compares numbers with a tolerance."""
    return doctest.DocTestRunner(checker=CloseNumbers(), optionflags=doctest.ELLIPSIS)
