"""Takes credentials out of words: passwords in URLs, values with telling names, known secrets.

What workers print is recorded through this, and what reports say is written through it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

#: What stands for something that is not written.
HIDDEN = "REDACTED"
#: Known secrets that are shorter are not looked for: they are in too many words.
_SHORTEST = 6
#: scheme://user:password@host, whatever stands before the last @.
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/]+@")
# Each repetition before a value is bounded: a hostile line must not take long.
_ASSIGNED = re.compile(
    r"(?i)((?:passw(?:or)?d|secret|token|api[_-]?key|credential)[\w-]{0,40}[\"']?\s{0,4}[=:]\s{0,4}"
    r"|authorization[\"']?\s{0,4}[=:]\s{0,4}[\"']?(?:(?:basic|bearer|digest)\s{1,4})?)"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_TELLING = re.compile(r"(?i)pass|secret|token|key|cred|auth")
#: The secret part of a URL that has one.
_PASSWORD = re.compile(r"://[^\s/:]*:([^\s/]+)@")
#: What stands for something in a line of a file: `name=value`, `name: "value"`, also in JSON.
_VALUE = re.compile(r"[=:]\s{0,4}[\"']?([^\"'\s,;}/][^\"'\s,;}]*)")

#: Gives words without the credentials that are in them.
Masker = Callable[[str], str]


def mask(words: str) -> str:
    """The words without what looks like a credential, and without what is no character."""
    sound = words.encode("utf-8", "backslashreplace").decode("utf-8")
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1{HIDDEN}@", sound))


def variable(name: str, value: str) -> str:
    """The value of an environment variable, hidden where its name says that it is a secret."""
    return HIDDEN if _TELLING.search(name) else mask(value)


def masker_for(secrets: Iterable[str]) -> Masker:
    """As `mask`; these secrets are hidden, too, wherever they stand."""
    known = sorted({one for one in secrets if len(one) >= _SHORTEST}, key=len, reverse=True)
    if not known:
        return mask
    any_of = re.compile("|".join(map(re.escape, known)))
    return lambda words: any_of.sub(HIDDEN, mask(words))


def secrets_of(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What the environment of a Job's containers holds that nobody else shall read."""
    spec = manifest["spec"]["template"]["spec"]
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        for one in container.get("env") or ():
            value = str(one.get("value") or "")
            if _TELLING.search(one["name"]):
                yield value
            yield from _PASSWORD.findall(value)


def secrets_in(manifests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What Secrets hold, and of ConfigMaps what looks like a credential.

    Of a value that is a file, each line, and in it what is assigned: workers print only parts.
    """
    for one in manifests:
        for name, value in _values(one):
            if one["kind"] == "Secret":
                yield value
                for line in value.splitlines():
                    yield line.strip()
                    yield from _VALUE.findall(line)
            elif _TELLING.search(name):
                yield value
            yield from _PASSWORD.findall(value)


def _values(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a Secret also in base64, as they stand there."""
    if one["kind"] not in ("Secret", "ConfigMap"):
        return
    for part in ("data", "stringData"):
        for name, value in (one.get(part) or {}).items():
            yield name, value
            if part == "data" and one["kind"] == "Secret":
                try:
                    yield name, base64.b64decode(value).decode()
                except (binascii.Error, UnicodeDecodeError):
                    continue  # bytes that are no text: no line has them
