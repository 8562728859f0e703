"""Methods: a compiled function that belongs to one object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Method"]


class Method:
    """A `tgl.function` as the method of an object. Like a method of Python, it keeps the object alive."""

    __slots__ = ("__func__", "__self__", "__wrapped__")

    def __init__(
        self,
        programs: Any,  # a Function; that file imports this one
        instance: Any,
        call: Callable[..., Any],
    ) -> None:
        self.__func__, self.__self__, self.__wrapped__ = programs, instance, call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__.run(self.__wrapped__, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__func__, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self.__func__ is other.__func__ and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((self.__func__, id(self.__self__)))

    def __reduce__(self) -> Any:
        return self.__func__.__reduce__()

    def __repr__(self) -> str:
        return f"<method {self.__func__!r} of {self.__self__!r}>"
