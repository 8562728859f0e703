"""Every primitive of the package, and the arguments that it is tested with.

A primitive's name leads to the keywords of `tinygrad_lite.testing.check_primitive`: one set of them, or a list
of several. What is not said there has its default: NumPy's function of the same name as reference, numbers
from -3 to 3, arguments that broadcast (elementwise) or one shape for all. `OTHERS` does the same for functions
that are made of primitives.
"""

from primitive_cases import decompositions, elementwise, functions, indexing, neural, products, reductions, shaping

_TABLES = (elementwise, reductions, shaping, indexing, products, decompositions, neural)


def _lists(tables):
    """One list of keywords for each name."""
    merged = {}
    for table in tables:
        for name, keywords in table.items():
            if name in merged:
                raise ValueError(f"{name} stands in two tables: put its cases into one list")
            merged[name] = keywords if isinstance(keywords, list) else [keywords]
    return merged


CASES = _lists(table.CASES for table in _TABLES)
OTHERS = _lists([functions.OTHERS])
ELSEWHERE = functions.ELSEWHERE
