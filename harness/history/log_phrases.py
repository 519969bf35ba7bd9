"""What a line of a worker's log says about an item: that the work on it begins, or has ended.

The built-in words are hints. A line is about an item only if it names an item that was sent, as a
whole token. A pattern that the worker's owner gives is testimony: what it finds is what is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from harness.core import masking
from harness.history import Guess, Payload, Worker, payload

Kind = Literal["start", "done"]

#: Words by which a line says that work begins, or has ended, where nobody gives a pattern.
START = r"(?i:\b(?:working on|processing|starting|started|begins?|beginning|handling|executing)\b)"
DONE = r"(?i:\b(?:done|finished|completed|complete|processed|succeeded|success)\b)"

#: "finished processing apple" is one phrase, and says that the work has ended.
_PHRASE = re.compile(
    rf"(?P<done>{DONE}(?:\s+(?:with|the|of|work|working on|processing|handling|executing))*)"
    rf"|(?P<start>{START})",
    re.IGNORECASE,
)
#: With one of these words a line tells something else than a beginning, or an end in success.
_NEGATION = re.compile(
    r"\b(?:fail\w*|errors?|exception|traceback|skip\w*|already|duplicate\w*|ignor\w*|before|"
    r"cannot|can't|could|couldn't|unable|not|never|abort\w*|reject\w*|drop\w*|aside|lost|late|"
    r"stop\w*|interrupt\w*|cancel\w*|gave|giv\w+)\b",
    re.IGNORECASE,
)
#: A field of a structured line that says that there was no error.
_NO_ERROR = re.compile(
    r"""(?i)\b(?:no|0|zero) errors?\b|errors?["']?\s*[:=]\s*(?:null|none|0|""|'')"""
)
#: "Processing apple … done": one line that is written in two steps.
_AT_THE_END = re.compile(
    rf"{DONE}(?:\s*\(?(?:in|after)?\s*[\d.:]+\s*\w{{0,12}}\)?)?[\s.!)\"'}}\]]*$"
)
#: What may stand between the verb and the item: "Working on item #1: apple".
_FILLER = re.compile(
    r"""(?i)[\s:#=("'\[]*(?:(?:the|item|task|message|job|order|id)\b[\s:#=("'\[]*)*"""
)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BRACKETED = re.compile(r"\([^()]*\)")
#: What may stand beside a whole token, on its left and on its right.
_LEFT, _RIGHT = frozenset("\"'`([{<,;:=|#"), frozenset("\"'`)]}>,;:!?|…")
#: An item that is this short, or is a number, has to follow the verb: it may be a count elsewhere.
_SHORT = 3
#: So many lines that said nothing are looked at again.
_KEPT = 200
#: Longer items than this are not looked for within a line.
_LONGEST = 1000
_NUMBER = re.compile(r"[\d.,+-]+")
_DIGITS = re.compile(r"\d+")
#: Tokens that stand where an item could, and are none.
# fmt: off
_NO_ITEMS = frozenset([
    "it", "all", "everything", "nothing", "this", "that", "them", "one", "now", "here",
    "again", "work", "working", "job", "jobs", "queue", "item", "items", "task", "tasks",
    "message", "messages", "loop", "run", "batch", "processing", "waiting", "up", "for", "on",
    "with", "the", "in", "as", "successfully", "cleanly", "normally", "ok", "success",
    "shutdown", "shutting", "worker", "consumer",
])
# fmt: on
#: A word, without the marks that enclose it.
_TOKEN = re.compile(r"""[^\s"'`()\[\]{}<>,;|]+(?<![:.!?…=])""")
#: How many words on each side of an item make the form of a line.
_WORDS = 2


class Line(NamedTuple):
    """A line that was recorded: whose, the event, and the second of the run in which it came."""

    worker: Worker
    event: int
    at: float


class Statement(NamedTuple):
    """What a line says; `guess` is empty where it names an item that was sent, or its owner tells.

    `odd`: it may be about an item that is no plain text. `mangled`: where the worker's lines name
    an item it has one that was sent, cut or changed; `alike`: something that looks like an item;
    `other`: anything else.
    """

    kind: Kind
    item: Payload
    guess: Guess = ""


class _Named(NamedTuple):
    """An item that a text names, and where."""

    item: Payload
    begin: int
    end: int


class LineReader:
    """Reads the lines of the workers of a run, to which `items` were sent.

    `start` and `done` are the owner's patterns with a group `item`; empty for the built-in words.
    `begins` is the form of lines in the worker's own words that say a beginning, as `names` gives
    it; empty where there is none.
    """

    def __init__(
        self, items: Iterable[bytes], start: str = "", done: str = "", begins: str = ""
    ) -> None:
        self._items = {shown: payload(item) for item in items for shown in renderings(item)}
        self._lengths = sorted({len(one) for one in self._items if len(one) <= _LONGEST})[::-1]
        names = [one for one in self._items.values() if isinstance(one, str)]
        self._odd = not all(map(plain, self._items.values()))
        self._common = frozenset.intersection(*map(_classes, names)) if names else frozenset()
        #: The words around an item in the lines that name one.
        self._forms: set[tuple[Kind, str]] = set()
        self._waiting: list[tuple[Line, str]] = []
        self._forms_then = 0
        self._begins = begins
        self._own: dict[Kind, re.Pattern[str]] = {}
        if start:
            self._own["start"] = re.compile(start)
        if done:
            self._own["done"] = re.compile(done)

    def read(self, text: str) -> Statement | None:
        """What the line says; None where it is about no item."""
        text = _ESCAPES.sub("", text)
        for kind, pattern in self._own.items():
            if found := pattern.search(text):
                return Statement(kind, self._meant(found["item"]))
        said = self._hinted(text)
        return None if said is None or said.kind in self._own else said

    def names(self, text: str) -> tuple[Payload, str] | None:
        """The one item that a line in no built-in words names, and the form of the line."""
        text = _ESCAPES.sub("", text)
        if _PHRASE.search(text):
            return None
        named = self._about(text, ()) or None
        return None if named is None else (named.item, _form(text, named.begin, named.end))

    def keep(self, line: Line, text: str) -> None:
        """Remember a line that said nothing: its form may only be known by a later one."""
        if len(self._waiting) < _KEPT and _PHRASE.search(text):
            self._waiting.append((line, text))

    def late(self) -> list[tuple[Line, Statement]]:
        """What lines that were kept say by the forms that are known now."""
        if self._forms_then == len(self._forms):
            return []
        self._forms_then = len(self._forms)
        told = [(line, text, self.read(text)) for line, text in self._waiting]
        self._waiting = [(line, text) for line, text, said in told if said is None]
        return [(line, said) for line, _, said in told if said is not None]

    # -- the owner's pattern ----------------------------------------------------------------------

    def _meant(self, words: str) -> Payload:
        """The item that was sent, as it is; else the words, without the credentials in them.

        Not without known secrets: a value of the environment may be part of an item's name.
        """
        shown = words.strip()
        known = self._items.get(shown)
        if known is None:
            named = {one.item for one in self._named(shown)}
            known = named.pop() if len(named) == 1 else None
        return payload(masking.mask(shown).encode()) if known is None else known

    # -- the built-in words -----------------------------------------------------------------------

    def _hinted(self, text: str) -> Statement | None:
        phrases = list(_PHRASE.finditer(text))
        if not phrases:
            return self._in_own_words(text)
        named = self._about(text, phrases)
        if named is None:
            return None
        if not named:
            return self._guess(text, phrases)
        kind = _kind(text, named)
        if kind is None:
            return None
        self._forms.add((kind, _form(text, named.begin, named.end)))
        return Statement(kind, named.item)

    def _in_own_words(self, text: str) -> Statement | None:
        if not self._begins:
            return None
        named = self._about(text, ())
        if named:
            said = _form(text, named.begin, named.end) == self._begins
            return Statement("start", named.item) if said else None
        tokens = _TOKEN.finditer(text[:_LONGEST]) if named is False else ()
        for token in tokens:
            if _form(text, token.start(), token.end()) == self._begins:
                return self._foreign("start", token[0])
        return None

    def _guess(self, text: str, phrases: Sequence[re.Match[str]]) -> Statement | None:
        """A line that names no item which was sent: has it another thing in an item's place?"""
        if _NEGATION.search(_NO_ERROR.sub("", text)):
            return None
        kind: Kind = "done" if any(one["done"] for one in phrases) else "start"
        place = _after(text, phrases[0].end())
        words = payload(masking.mask(text[place:].strip()).encode())
        if self._odd:
            before = _words(text[:place], first=False)
            known = {form.partition("\0")[0] for told, form in self._forms if told == kind}
            return (
                Statement(kind, words, "odd") if words and before in (known or {before}) else None
            )
        for token in _TOKEN.finditer(text[:_LONGEST]):
            if (kind, _form(text, token.start(), token.end())) in self._forms:
                return self._foreign(kind, token[0])
        return None

    def _foreign(self, kind: Kind, token: str) -> Statement | None:
        if token.lower() in _NO_ITEMS:
            return None
        item = payload(masking.mask(token).encode())
        if any(_mangled(token, one) for one in self._items):
            return Statement(kind, item, "mangled")
        return Statement(kind, item, "alike" if self._common <= _classes(token) else "other")

    def _about(self, text: str, phrases: Sequence[re.Match[str]]) -> _Named | Literal[False] | None:
        """The one item that the line is about; False: it names none; None: it names several."""
        after = {_after(text, one.end()) for one in phrases}
        named = [
            one
            for one in self._named(text)
            if one.begin in after
            or not (len(text[one.begin : one.end]) <= _SHORT or _number(text, one))
        ]
        if not named:
            return False
        if len({one.item for one in named}) > 1:
            named = [one for one in named if one.begin in after]
        return named[0] if len({one.item for one in named}) == 1 else None

    def _named(self, text: str) -> Iterator[_Named]:
        """The items that it names as whole tokens; at each place the longest."""
        place = 0
        while place < len(text):
            found = self._at(text, place) if _begins(text, place) else None
            if found is None:
                place += 1
            else:
                yield found
                place = found.end

    def _at(self, text: str, place: int) -> _Named | None:
        for length in self._lengths:
            item = self._items.get(text[place : place + length])
            if item is not None and place + length <= len(text) and _ends(text, place + length):
                return _Named(item, place, place + length)
        return None


def renderings(item: bytes) -> set[str]:
    """How a worker may print an item: as text, or as programs show bytes that are none."""
    texts = {item.decode("utf-8", how) for how in ("replace", "backslashreplace", "ignore")}
    texts |= {repr(item), repr(item)[2:-1], item.decode("latin-1")}
    quoted = json.dumps(item.decode("utf-8", "replace"))[1:-1]
    texts |= {quoted, quoted.replace("/", r"\/")}
    return {text.strip() for text in texts} - {""}


def plain(item: Payload) -> bool:
    """Whether a worker that prints this item is bound to be seen to print just that.

    What looks like a credential is not recorded of its words.
    """
    return (
        isinstance(item, str)
        and 0 < len(item) <= _LONGEST
        and item.isprintable()
        and masking.mask(item) == item
    )


def _mangled(token: str, item: str) -> bool:
    """Whether it is the item, cut or changed."""
    if min(len(token), len(item)) < _SHORT:  # so short a part is in most words
        return False
    return token in item or item in token or token.lower() == item.lower()


def _classes(text: str) -> frozenset[str]:
    """Of which kinds its characters are: letters and digits each are of one kind."""
    return frozenset("a" if one.isalpha() else "0" if one.isdigit() else one for one in text)


def _begins(text: str, place: int) -> bool:
    return place == 0 or text[place - 1].isspace() or text[place - 1] in _LEFT


def _ends(text: str, place: int) -> bool:
    rest = text[place:].lstrip(".")
    return not rest or rest[0].isspace() or (rest[0] in _RIGHT)


def _number(text: str, named: _Named) -> bool:
    return _NUMBER.fullmatch(text[named.begin : named.end]) is not None


def _after(text: str, place: int) -> int:
    """Where the item begins that follows a verb which ends here."""
    filler = _FILLER.match(text, place)
    return filler.end() if filler else place


def _kind(text: str, named: _Named) -> Kind | None:
    """Whether the line says a beginning or an end; None where it says something else.

    The item's own words say nothing: it may be called "Working on it".
    """
    before = list(_PHRASE.finditer(text[: named.begin]))
    verb = before[-1] if before else _PHRASE.search(text, named.end)
    if verb is None:
        return None
    rest = f"{text[: named.begin]} {text[named.end :]}"
    if _AT_THE_END.search(text[named.end :]):
        kind: Kind = "done"
    else:
        kind = "done" if verb["done"] else "start"
    if kind == "start":  # "(failed before, attempt 2)" is a remark about a beginning
        rest = _BRACKETED.sub("", rest)
    return None if _NEGATION.search(_NO_ERROR.sub("", rest)) else kind


def _form(text: str, begin: int, end: int) -> str:
    return f"{_words(text[:begin], first=False)}\0{_words(text[end:], first=True)}"


def _words(text: str, *, first: bool) -> str:
    """The words that stand next to an item, with all numbers alike."""
    words = _DIGITS.sub("0", text).split()
    return " ".join(words[:_WORDS] if first else words[-_WORDS:])
