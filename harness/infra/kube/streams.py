"""Answers without an end: logs that are followed and lists that are watched, line by line."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import urllib3

from harness.core.errors import InfrastructureError

#: Bytes of a line that are kept; whoever writes longer ones is not to fill our memory.
MAX_LINE = 1024 * 1024


class Lines:
    """The lines of an open answer; iterate in one thread, `close` from any other.

    Only whole lines come out, the first `MAX_LINE` bytes of each. A connection that breaks raises
    `InfrastructureError`; the answer's own end, or `close`, ends the iteration.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, what: str) -> None:
        self._response, self._what = response, what
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[str]:
        rest = b""
        try:
            for chunk in self._response.stream(amt=None, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                rest = rest[:MAX_LINE]
                for line in lines:
                    yield line[:MAX_LINE].decode("utf-8", "replace")
            if rest and not self._closed.is_set():
                yield rest.decode("utf-8", "replace")
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # A socket shut under its reader fails in one of several ways: that is our doing.
            if not self._closed.is_set():
                raise InfrastructureError(
                    f"lost the connection for {self._what}",
                    expected="a stream that ends by itself",
                    seen=str(error),
                ) from error
        finally:
            self._response.close()

    def close(self) -> None:
        """End the iteration, also when it is waiting for a line. May be called twice."""
        self._closed.set()
        # Both say that the answer has ended already.
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            self._response.shutdown()
