"""Open-ended responses, line by line: followed logs and watches."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import urllib3

from harness.core.errors import InfrastructureError

#: Bytes of a line that are kept: a worker with longer lines must not fill the memory.
MAX_LINE = 1024 * 1024


class Lines:
    """The lines of an open response; iterate in one thread, `close` from any other.

    The iteration yields complete lines only, the first `MAX_LINE` bytes of each. A broken
    connection raises `InfrastructureError`; the end of the response, or `close`, ends the
    iteration.
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
            # After `close` a read can fail in several ways; those errors are expected.
            if not self._closed.is_set():
                raise InfrastructureError(
                    f"lost the connection for {self._what}",
                    expected="a stream that ends by itself",
                    seen=str(error),
                ) from error
        finally:
            self._response.close()

    def close(self) -> None:
        """End the iteration, even while it waits for a line. A second call has no effect."""
        self._closed.set()
        # These errors mean that the response has ended already.
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            self._response.shutdown()
