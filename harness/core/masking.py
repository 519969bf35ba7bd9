"""Removes credentials from text: passwords in URLs, secret variables, known secrets.

The recorder masks the output of workers with it, and reports mask their text with it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

#: Replacement for a credential.
HIDDEN = "REDACTED"
#: Known secrets that are shorter are not masked: they occur in too many words.
_MIN_SECRET_LENGTH = 6
#: scheme://user:password@host, up to the last @.
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/]+@")
# Each repetition before a value is bounded, so that a hostile line cannot take long.
_ASSIGNED = re.compile(
    r"(?i)((?:passw(?:or)?d|secret|token|api[_-]?key|credential)[\w-]{0,40}[\"']?\s{0,4}[=:]\s{0,4}"
    r"|authorization[\"']?\s{0,4}[=:]\s{0,4}[\"']?(?:(?:basic|bearer|digest)\s{1,4})?)"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_SECRET_NAME = re.compile(r"(?i)pass|secret|token|key|cred|auth")
#: The secret part of a URL that has one.
_PASSWORD = re.compile(r"://[^\s/:]*:([^\s/]+)@")
#: A value that a line of a file assigns: `name=value`, `name: "value"`, also in JSON.
_ASSIGNED_VALUE = re.compile(r"[=:]\s{0,4}[\"']?([^\"'\s,;}/][^\"'\s,;}]*)")

#: Returns the text without the credentials that are in it.
Masker = Callable[[str], str]


def mask(words: str) -> str:
    """Return the text without apparent credentials; escape invalid characters."""
    valid = words.encode("utf-8", "backslashreplace").decode("utf-8")
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1{HIDDEN}@", valid))


def variable(name: str, value: str) -> str:
    """Return the value of an environment variable, masked where its name denotes a secret."""
    return HIDDEN if _SECRET_NAME.search(name) else mask(value)


def masker_for(secrets: Iterable[str]) -> Masker:
    """Return a `mask` that also hides these secrets wherever they occur."""
    known = sorted(
        {secret for secret in secrets if len(secret) >= _MIN_SECRET_LENGTH}, key=len, reverse=True
    )
    if not known:
        return mask
    any_of = re.compile("|".join(map(re.escape, known)))
    return lambda words: any_of.sub(HIDDEN, mask(words))


def secrets_of(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secrets in the environment of a Job's containers."""
    spec = manifest["spec"]["template"]["spec"]
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        for variable in container.get("env") or ():
            value = str(variable.get("value") or "")
            if _SECRET_NAME.search(variable["name"]):
                yield value
            yield from _PASSWORD.findall(value)


def secrets_in(manifests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the values of Secrets, and the values of ConfigMaps that resemble credentials.

    A value can be a file, of which workers print only parts. So yield of a Secret's value also each
    line and each assigned value.
    """
    for manifest in manifests:
        for name, value in _values(manifest):
            if manifest["kind"] == "Secret":
                yield value
                for line in value.splitlines():
                    yield line.strip()
                    yield from _ASSIGNED_VALUE.findall(line)
            elif _SECRET_NAME.search(name):
                yield value
            yield from _PASSWORD.findall(value)


def _values(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and values; those of a Secret's `data` also without their base64 encoding."""
    if one["kind"] not in ("Secret", "ConfigMap"):
        return
    for part in ("data", "stringData"):
        for name, value in (one.get(part) or {}).items():
            yield name, value
            if part == "data" and one["kind"] == "Secret":
                try:
                    yield name, base64.b64decode(value).decode()
                except (binascii.Error, UnicodeDecodeError):
                    continue  # not text: it cannot occur in a log line
