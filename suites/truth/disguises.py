"""What does not change a worker's guarantees: its words, its items, the shape of its leases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pattern = Literal["fine", "coarse"]
BOTH: tuple[Pattern, ...] = ("fine", "coarse")


@dataclass(frozen=True)
class Disguise:
    """One way to look different. Empty words: no such line."""

    name: str
    patterns: tuple[Pattern, ...] = BOTH
    begins: str = "Working on {item}"
    ends: str = "Done {item}"
    #: When the kubelet gets a line: at once, late (through a filter), or at the end.
    lines: Literal["live", "late", "at the end"] = "live"
    banner: tuple[str, ...] = ()
    farewell: tuple[str, ...] = ()
    #: Its owner tells how its lines look: --start-pattern, --done-pattern.
    told: tuple[str, str] | None = None
    items: Literal["names", "numbers", "urls", "json", "equal", "prefixes", "words"] = "names"
    #: How it keeps its leases in Redis: a shape of the worker template.
    lease: str = "tokens"
    #: How a failed item is set aside; empty: it is given back, and the worker fails.
    dead: str = ""
    #: Another way to talk to the broker.
    talk: Literal["", "resp3", "two connections", "transaction", "confirms", "get"] = ""
    work: Literal["steady", "long tail"] = "steady"
    #: Seconds before it connects.
    boot: float = 0.1
    #: A restarted container goes by the name that it had.
    same_name: bool = False


FINE: tuple[Pattern, ...] = ("fine",)
COARSE: tuple[Pattern, ...] = ("coarse",)

DISGUISES = (
    Disguise("as on the page"),
    # -- words
    Disguise("durations", ends="Finished {item} in {seconds:.2f}s"),
    Disguise("prose", begins="Processing {item}", ends="Finished processing {item} (attempt 1)"),
    Disguise(
        "chatty",
        banner=("Working on it", "Processing queue job with 1 thread"),
        farewell=("Done with all of it", "Finished in good order"),
    ),
    Disguise(
        "json lines",
        begins='{{"msg":"Working on","item":{quoted}}}',
        ends='{{"msg":"Done","item":{quoted}}}',
    ),
    Disguise(
        "time stamps",
        begins="12:00:00,123 INFO [main] Processing {item} ...",
        ends="12:00:00,456 INFO [main] Done {item}.",
    ),
    Disguise("other words", begins="-> {item}", ends="<- {item}"),
    Disguise(
        "other words, told",
        begins="-> {item}",
        ends="<- {item}",
        told=("-> (?P<item>.+)", "<- (?P<item>.+)"),
    ),
    Disguise("no ends", ends=""),
    Disguise("no lines", begins="", ends=""),
    Disguise("lines at the end", lines="at the end"),
    Disguise("lines late", lines="late"),
    # -- items
    Disguise("numbers", items="numbers"),
    Disguise("urls", items="urls"),
    Disguise("json items", items="json"),
    Disguise("prefixes", items="prefixes"),
    Disguise("words", items="words"),
    Disguise("equal", items="equal"),
    # -- time
    Disguise("long tail", work="long tail"),
    Disguise("slow start", boot=6.0),
    # -- leases
    Disguise("milliseconds", FINE, lease="milliseconds"),
    Disguise("scored items", FINE, lease="scored"),
    Disguise("scored numbers", FINE, lease="scored", items="numbers"),
    Disguise("envelopes", FINE, lease="envelopes"),
    Disguise("hexadecimal", FINE, lease="hexadecimal"),
    Disguise("prefixed", FINE, lease="prefixed"),
    Disguise("expiring keys", FINE, lease="expiring"),
    Disguise("until|owner", FINE, lease="owned"),
    Disguise("until|owner, numbers", FINE, lease="owned", items="numbers"),
    Disguise("heartbeats", FINE, lease="heartbeats"),
    Disguise("heartbeats, same name", FINE, lease="heartbeats", same_name=True),
    Disguise("MULTI", FINE, lease="transactions"),
    Disguise("same name", FINE, same_name=True),
    # -- failures
    Disguise("dead as they are", FINE, dead="list"),
    Disguise("dead as JSON", dead="json"),
    Disguise("dead in a hash", FINE, dead="hash"),
    Disguise("dead in hex", dead="hex"),
    # -- talk
    Disguise("RESP3", FINE, talk="resp3"),
    Disguise("two connections", FINE, talk="two connections"),
    Disguise("tx.select", COARSE, talk="transaction"),
    Disguise("publisher confirms", COARSE, talk="confirms"),
    Disguise("basic.get", COARSE, talk="get"),
)
