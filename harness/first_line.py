"""Stops a worker in the moment in which it writes its next line, from its node.

From outside, a process is ended a while after that was decided, and on a busy machine the work that
was to be broken off is done by then. So who does it waits on the node, beside the log.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from harness import seen
from harness.history import Event, LogLine, Worker
from harness.stage import Stage
from harness.tap.remote import RemoteCaught

#: Seconds after which nobody waits any more.
_PATIENCE = 180
#: $0 is the container's id, $1 its pod's uid, $2 its name, $3 the file to tell it in, $4 seconds.
ARM = """
log=$(ls -t /var/log/pods/*_"$1"/"$2"/*.log | head -n 1)
[ -n "$log" ] || exit 1
from=$(($(stat -c %s "$log") + 1))
setsid timeout "$4" bash -c '
exec 3< <(exec tail -c "+$2" -f "$1")
IFS= read -r -n 1 -u 3 || exit 1
kill -STOP $(grep -l "$0" /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3)
date +%s.%N > "$3.new" && mv "$3.new" "$3"
kill $!
' "$0" "$log" "$from" "$3" > /dev/null 2>&1 < /dev/null &
"""
#: $0 is that file, $1 in how many tenths of a second it has to be there.
TELL = """
for _ in $(seq "$1"); do [ -s "$0" ] && break; sleep 0.1; done
cat "$0"; rm -f "$0"
"""


@dataclass(frozen=True)
class FirstLine:
    """Waits on a node for a worker's next line."""

    stage: Stage
    worker: Worker
    file: str
    #: How many events there were before.
    before: int

    @classmethod
    def armed(cls, stage: Stage, worker: Worker) -> FirstLine:
        """From now on the worker is stopped when it writes anything."""
        before, file = len(stage.recording.events), f"/run/queuejob-{secrets.token_hex(4)}"
        words = (stage.container_of(worker), worker.pod, stage.container, file, str(_PATIENCE))
        provider, node = stage.station.provider, stage.pod(worker).node
        provider.on_node(node, "bash", "-c", ARM, *words)
        return cls(stage, worker, file, before)

    def wait(self, caught: RemoteCaught) -> float | None:
        """Wait until it has written something, or is held once more, after it was let go.

        The moment from which on it does nothing; None where that is not known.
        """
        stage = self.stage
        held = seen.begun(self.worker, caught.connection, caught.address)

        def find(events: Sequence[Event]) -> Event | None:
            for event in events[self.before :]:
                if isinstance(event.what, LogLine) and event.what.worker == self.worker:
                    return event
            return held(events)

        found = stage.wait("the worker to begin its item", find, stage.patience)
        tenths = "50" if isinstance(found.what, LogLine) else "1"
        node = stage.pod(self.worker).node
        told = stage.station.provider.on_node(node, "sh", "-c", TELL, self.file, tenths)
        try:
            return float(told or "") - stage.recording.epoch
        except ValueError:
            return None
