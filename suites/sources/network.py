"""A network namespace for a machine within this one: with `lo` alone, or with a way out.

A second dockerd needs one: in the first one's namespace it would take over its bridge and rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core import commands
from harness.core.errors import InfrastructureError

NAME = "queuejob-sources"
_FILE = Path("/run/netns") / NAME
_DEVICES = Path("/sys/class/net")
#: The two ends of the cable, and their addresses: of a block that no network uses (RFC 2544).
_OUTSIDE, _INSIDE = "queuejob-out", "queuejob-in"
_GATEWAY, _ADDRESS, _NETWORK = "198.18.77.1", "198.18.77.2", "198.18.77.0/30"
#: Table, chain and rule. Docker sets the policy of FORWARD to DROP.
_RULES = (
    ("nat", "POSTROUTING", f"-s {_NETWORK} ! -o {_OUTSIDE} -j MASQUERADE"),
    ("filter", "FORWARD", f"-i {_OUTSIDE} -j ACCEPT"),
    ("filter", "FORWARD", f"-o {_OUTSIDE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
)


@contextmanager
def isolated() -> Iterator[Path]:
    """A namespace with nothing but `lo`, so that no route leads anywhere; gives its file."""
    _remove()
    try:
        _ip("netns", "add", NAME)
        _ip("-netns", NAME, "link", "set", "lo", "up")
        yield _FILE
    finally:
        _remove()


@contextmanager
def connected() -> Iterator[Path]:
    """A namespace that reaches what this machine reaches; gives its file."""
    with isolated() as file:
        # Not every path out tells that a packet is too large for it.
        mtu = (_DEVICES / _way_out() / "mtu").read_text().strip()
        cable = ("link", "add", _OUTSIDE, "mtu", mtu, "type", "veth")
        _ip(*cable, "peer", "name", _INSIDE, "mtu", mtu, "netns", NAME)
        _ip("address", "add", f"{_GATEWAY}/30", "dev", _OUTSIDE)
        _ip("link", "set", _OUTSIDE, "up")
        _ip("-netns", NAME, "address", "add", f"{_ADDRESS}/30", "dev", _INSIDE)
        _ip("-netns", NAME, "link", "set", _INSIDE, "up")
        _ip("-netns", NAME, "route", "add", "default", "via", _GATEWAY)
        for table, chain, rule in _RULES:
            _iptables(table, "-I", chain, rule)
        yield file


def _way_out() -> str:
    """The device of this machine's default route."""
    routes = json.loads(_ip("-json", "route", "show", "default").stdout)
    if not routes:
        raise InfrastructureError(
            "this machine has no way out",
            expected="a default route, to where packages come from",
            seen="none in `ip route`",
            todo="run this where Debian's packages can be had",
        )
    return str(routes[0]["dev"])


def _remove() -> None:
    """Remove all of it, also what a run that was killed has left."""
    for table, chain, rule in _RULES:
        while _iptables(table, "-C", chain, rule, check=False).ok:
            _iptables(table, "-D", chain, rule)
    if (_DEVICES / _OUTSIDE).exists():
        _ip("link", "delete", _OUTSIDE)
    if _FILE.exists():
        _ip("netns", "delete", NAME)


def _ip(*words: str) -> commands.Completed:
    return commands.run(["ip", *words], timeout=30)


def _iptables(
    table: str, verb: str, chain: str, rule: str, check: bool = True
) -> commands.Completed:
    words = ["iptables", "--wait", "-t", table, verb, chain, *rule.split()]
    return commands.run(words, timeout=30, check=check)
