"""Stop a worker, from its node, at the moment in which it logs a line about its item.

A process that the harness ends from outside ends some time after the decision. On a busy machine
the work that the fault was to interrupt is done by then. So a process on the node watches the log
and stops the worker.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks.model import USUAL
from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Event, LogLine, Worker
from harness.tap.control.client import RemoteHit

#: Seconds after which the process on the node gives up.
_WATCH_SECONDS = 180
#: Seconds for the delivery to be recorded.
_DELIVERY_SECONDS = 2.0
#: $0 is the container's id, $1 its pod's uid, $2 its name, $3 the file for the time of the stop, $4
#: seconds to watch, $5 the text that the line must contain.
ARM = """
log=$(ls -t /var/log/pods/*_"$1"/"$2"/*.log | head -n 1)
[ -n "$log" ] || exit 1
from=$(($(stat -c %s "$log") + 1))
setsid timeout "$4" bash -c '
exec 3< <(exec tail -c "+$2" -f "$1")
while IFS= read -r -u 3 line; do case "$line" in *"$4"*) break;; esac; done
kill -STOP $(grep -l "$0" /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3)
date +%s.%N > "$3.new" && mv "$3.new" "$3"
kill $!
' "$0" "$log" "$from" "$3" "$5" > /dev/null 2>&1 < /dev/null &
"""
#: $0 is the same file, $1 the tenths of a second within which it has to exist.
TELL = """
for _ in $(seq "$1"); do [ -s "$0" ] && break; sleep 0.1; done
cat "$0"; rm -f "$0"
"""


@dataclass(frozen=True)
class FirstLogLine:
    """Watch on a node for a worker's next log line."""

    context: ScenarioContext
    worker: Worker
    file: str
    #: Text that the line must contain: the item, if the worker is known to name it; else empty.
    item: str
    #: Lines count from this moment on, in seconds since the start of the run.
    since: float

    @classmethod
    def armed(cls, context: ScenarioContext, worker: Worker, address: str) -> FirstLogLine:
        """Start to watch: the worker at `address` stops when it logs a line about its item.

        A worker that does not name its item when it begins stops at any line.
        """
        delivery = context.recorder.wait_or_none(
            "its item", conditions.last_delivery_to(address), _DELIVERY_SECONDS
        )
        item = getattr(delivery.what, "item", "") if delivery else ""
        printable = isinstance(item, str) and item.isprintable()
        item = item if printable and context.calibration.figures.starts_told in USUAL else ""
        file = f"/run/queuejob-{secrets.token_hex(4)}"
        arguments = (
            context.container_of(worker),
            worker.pod,
            context.container,
            file,
            str(_WATCH_SECONDS),
            item,
        )
        provider, node = context.testbed.provider, context.pod(worker).node
        provider.on_node(node, "bash", "-c", ARM, *arguments)
        return cls(context, worker, file, item, context.recorder.elapsed())

    def wait(self, caught: RemoteHit) -> float | None:
        """Wait until the resumed worker has logged a line, or is held again.

        Returns the moment from which on it does nothing, in seconds since the start of the run;
        None if that moment is not known.
        """
        context = self.context
        logged = conditions.latest(
            lambda data: (
                isinstance(data, LogLine)
                and data.worker == self.worker
                and (data.at or 0.0) >= self.since
                and self.item in str(data.text)
            )
        )
        resumed = conditions.started_or_held_again(self.worker, caught.connection, caught.address)

        def find(events: Sequence[Event]) -> Event | None:
            return logged(events) or resumed(events)

        event = context.wait("the worker to begin its item", find, context.start_timeout)
        tenths = "50" if isinstance(event.what, LogLine) else "1"
        node = context.pod(self.worker).node
        output = context.testbed.provider.on_node(node, "sh", "-c", TELL, self.file, tenths)
        try:
            return float(output or "") - context.recorder.epoch
        except ValueError:
            return None
