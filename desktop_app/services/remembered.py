"""Answers that are found once, and kept as long as what they are about."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

_Function = TypeVar("_Function", bound=Callable[..., Any])


def remembered(function: _Function) -> _Function:
    """Have a function answer once per first argument, which never changes, while that lives."""
    known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @wraps(function)
    def answer(about: Any, *others: Any) -> Any:
        if about not in known:
            known[about] = function(about, *others)
        return known[about]

    return cast("_Function", answer)
