"""Pages about workers of many kinds, in files as their readers have them."""

from __future__ import annotations

from pathlib import Path

from harness.history import ConnectionRefused, LogLine, NotUnderstood
from harness.report.html import html
from harness.suites.page.sample import report
from harness.suites.unit.dsl.history import Tale
from harness.suites.unit.dsl.reports import bad_tale, save

#: What a worker may print, and a producer send, to have it act in a page.
HOSTILE = (
    "<script>window.hurt=1</script>",
    '"><img src=x onerror="window.hurt=2">',
    "</title></style></script><svg onload=window.hurt=3>",
    "]]>::error::\x1b[31mred\x1b[0m",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "javascript:window.hurt=4",
)


def page(folder: Path, **tales: Tale) -> Path:
    """The page about these histories, each of the scenario by whose name it is given."""
    for name, tale in tales.items():
        save(tale, folder / name / "history.ndjson")
    file = folder / "index.html"
    file.write_bytes(html(report(folder), folder))
    return file


def lost() -> Tale:
    """A worker dies with its item, and another leaves with success."""
    tale = Tale("fine", faults=("container killed",))
    tale.sent("apple", "banana", "cherry")
    tale.came(1.0, "a")
    tale.came(1.2, "b")
    tale.asked(1.5, "a")
    tale.given(1.5, "a", "apple", until=11.5)
    tale.began(1.6, "a", "apple")
    tale.harmed(2.0, "container killed", "a")
    tale.killed(2.5, "a")
    tale.worked(2.6, "b", "banana")
    tale.worked(3.7, "b", "cherry")
    tale.empty(5.0, "b")
    tale.exited(5.5, "b")
    tale.job(6.0, "Complete", succeeded=1)
    tale.left(9.0, "apple", where="leased")
    tale.over(10.0)
    return tale


def many(items: int, workers: int = 8) -> Tale:
    """So many items, five events each; the last one is lost."""
    tale = Tale("fine")
    names = [f"item-{number}" for number in range(items)]
    tale.sent(*names)
    hands = [chr(ord("a") + number) for number in range(workers)]
    for who in hands:
        tale.came(1.0, who)
    for number, name in enumerate(names[:-1]):
        who = hands[number % workers]
        start = 1.0 + number // workers
        tale.given(start, who, name, until=start + 10)
        tale.began(start, who, name)
        tale.finished(start + 0.9, who, name)
        tale.settled(start + 0.9, who, name)
    end = 3.0 + items // workers
    for who in hands:
        tale.exited(end, who)
    tale.job(end + 2, "Complete", succeeded=workers)
    tale.left(end + 3, names[-1])
    tale.over(end + 4)
    return tale


def hostile() -> Tale:
    """Items, lines, reasons and names that would act where they are not text."""
    tale = bad_tale(HOSTILE[0], image=HOSTILE[2])
    for number, text in enumerate(HOSTILE):
        tale.events.pop()
        tale.put(11 + number, "logs", LogLine(tale.worker("a"), text, 11.0))
        tale.put(11 + number, "tap", ConnectionRefused(9 + number, text, 1, text))
        tale.put(11 + number, "tap", NotUnderstood(1, "client", text, text, 9))
        tale.harmed(11 + number, text, "a")
        tale.over(12 + number)
    return tale
