"""Stops a worker in the moment in which it writes about its item, from its node.

From outside, a process is ended a while after that was decided, and on a busy machine the work that
was to be broken off is done by then. So who does it waits on the node, beside the log.
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

#: Seconds after which nobody waits any more.
_PATIENCE = 180
#: Seconds for what was given to be recorded.
_GIVEN = 2.0
#: $0 is the container's id, $1 its pod's uid, $2 its name, $3 the file to tell it in, $4 seconds,
#: $5 what must be in the line.
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
#: $0 is that file, $1 in how many tenths of a second it has to be there.
TELL = """
for _ in $(seq "$1"); do [ -s "$0" ] && break; sleep 0.1; done
cat "$0"; rm -f "$0"
"""


@dataclass(frozen=True)
class FirstLogLine:
    """Waits on a node for a worker's next line."""

    stage: ScenarioContext
    worker: Worker
    file: str
    #: What must be in the line: its item, where it is known to name it; else nothing.
    item: str
    #: From when on its lines count, in seconds since the start of the run.
    since: float

    @classmethod
    def armed(cls, stage: ScenarioContext, worker: Worker, address: str) -> FirstLogLine:
        """From now on the worker, whose address this is, is stopped when it writes of its item.

        One that does not name its item when it begins is stopped when it writes anything.
        """
        given = stage.recorder.wait_or_none(
            "its item", conditions.last_delivery_to(address), _GIVEN
        )
        item = getattr(given.what, "item", "") if given else ""
        named = isinstance(item, str) and item.isprintable()
        item = item if named and stage.calibration.figures.starts_told in USUAL else ""
        file = f"/run/queuejob-{secrets.token_hex(4)}"
        words = (
            stage.container_of(worker),
            worker.pod,
            stage.container,
            file,
            str(_PATIENCE),
            item,
        )
        provider, node = stage.testbed.provider, stage.pod(worker).node
        provider.on_node(node, "bash", "-c", ARM, *words)
        return cls(stage, worker, file, item, stage.recorder.elapsed())

    def wait(self, caught: RemoteHit) -> float | None:
        """Wait until it has written something, or is held once more, after it was let go.

        The moment from which on it does nothing; None where that is not known.
        """
        stage = self.stage
        line = conditions.latest(
            lambda what: (
                isinstance(what, LogLine)
                and what.worker == self.worker
                and (what.at or 0.0) >= self.since
                and self.item in str(what.text)
            )
        )
        held = conditions.started_or_held_again(self.worker, caught.connection, caught.address)

        def find(events: Sequence[Event]) -> Event | None:
            return line(events) or held(events)

        found = stage.wait("the worker to begin its item", find, stage.start_timeout)
        tenths = "50" if isinstance(found.what, LogLine) else "1"
        node = stage.pod(self.worker).node
        told = stage.testbed.provider.on_node(node, "sh", "-c", TELL, self.file, tenths)
        try:
            return float(told or "") - stage.recorder.epoch
        except ValueError:
            return None
