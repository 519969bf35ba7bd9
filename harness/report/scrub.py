"""Takes credentials out of what is written: passwords in URLs, values with telling names."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

#: What stands for something that is not written.
HIDDEN = "REDACTED"
#: scheme://user:password@host, and tokens that stand there alone.
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@]+@")
_ASSIGNED = re.compile(
    r"(?i)\b([\w-]*(?:passw(?:or)?d|passwd|secret|token|api[_-]?key|credential)[\w-]*\s*[=:]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_TELLING = re.compile(r"(?i)pass|secret|token|key|cred|auth")


def text(words: str) -> str:
    """The text without credentials, and without what is no character."""
    sound = words.encode("utf-8", "backslashreplace").decode("utf-8")
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1{HIDDEN}@", sound))


def variable(name: str, value: str) -> str:
    """The value of an environment variable, hidden where its name says that it is a secret."""
    return HIDDEN if _TELLING.search(name) else text(value)


def clean(thing: T) -> T:
    """The same record, every text in it as `text` has it."""
    made: T = msgspec.convert(_walk(msgspec.to_builtins(thing)), type(thing))
    return made


def _walk(thing: Any) -> Any:
    if isinstance(thing, str):
        return text(thing)
    if isinstance(thing, dict):
        return {name: _walk(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_walk(value) for value in thing]
    return thing
