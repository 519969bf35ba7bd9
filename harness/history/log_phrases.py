"""The meaning of a log line of a worker for an item: its work starts, or has ended.

The built-in phrases are hints. A line concerns an item only if it names a sent item as a whole
token. A pattern from the worker's owner is testimony: its match is the worker's statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from harness.core import masking
from harness.history import Guess, Payload, Worker, payload

Kind = Literal["start", "done"]

#: Phrases for the start or the end of work, where the owner gives no pattern.
START = r"(?i:\b(?:working on|processing|starting|started|begins?|beginning|handling|executing)\b)"
DONE = r"(?i:\b(?:done|finished|completed|complete|processed|succeeded|success)\b)"

#: "finished processing apple" is one phrase, and means that the work has ended.
_PHRASE = re.compile(
    rf"(?P<done>{DONE}(?:\s+(?:with|the|of|work|working on|processing|handling|executing))*)"
    rf"|(?P<start>{START})",
    re.IGNORECASE,
)
#: With one of these words a line means neither a start nor a successful end.
_NEGATION = re.compile(
    r"\b(?:fail\w*|errors?|exception|traceback|skip\w*|already|duplicate\w*|ignor\w*|before|"
    r"cannot|can't|could|couldn't|unable|not|never|abort\w*|reject\w*|drop\w*|aside|lost|late|"
    r"stop\w*|interrupt\w*|cancel\w*|gave|giv\w+)\b",
    re.IGNORECASE,
)
#: A field of a structured line that shows that there was no error.
_NO_ERROR = re.compile(
    r"""(?i)\b(?:no|0|zero) errors?\b|errors?["']?\s*[:=]\s*(?:null|none|0|""|'')"""
)
#: "Processing apple … done": one line, written in two steps.
_AT_THE_END = re.compile(
    rf"{DONE}(?:\s*\(?(?:in|after)?\s*[\d.:]+\s*\w{{0,12}}\)?)?[\s.!)\"'}}\]]*$"
)
#: Text that may stand between the verb and the item: "Working on item #1: apple".
_FILLER = re.compile(
    r"""(?i)[\s:#=("'\[]*(?:(?:the|item|task|message|job|order|id)\b[\s:#=("'\[]*)*"""
)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BRACKETED = re.compile(r"\([^()]*\)")
#: Characters that may enclose a whole token, on its left and on its right.
_LEFT_EDGES, _RIGHT_EDGES = frozenset("\"'`([{<,;:=|#"), frozenset("\"'`)]}>,;:!?|…")
#: An item this short, or a number, must follow the verb; elsewhere it may be a count.
_SHORT_LENGTH = 3
#: Most lines without a known form that are kept for a second reading.
_MAX_PENDING = 200
#: Longer items are not searched within a line.
_MAX_LENGTH = 1000
_NUMBER = re.compile(r"[\d.,+-]+")
_DIGITS = re.compile(r"\d+")
#: Tokens at the position of an item that are not items.
# fmt: off
_NO_ITEMS = frozenset([
    "it", "all", "everything", "nothing", "this", "that", "them", "one", "now", "here",
    "again", "work", "working", "job", "jobs", "queue", "item", "items", "task", "tasks",
    "message", "messages", "loop", "run", "batch", "processing", "waiting", "up", "for", "on",
    "with", "the", "in", "as", "successfully", "cleanly", "normally", "ok", "success",
    "shutdown", "shutting", "worker", "consumer",
])
# fmt: on
#: A word, without the punctuation that encloses it.
_TOKEN = re.compile(r"""[^\s"'`()\[\]{}<>,;|]+(?<![:.!?…=])""")
#: Number of words on each side of an item that make the form of a line.
_FORM_WORDS = 2


class Line(NamedTuple):
    """A recorded log line."""

    worker: Worker
    #: Id of the event of the line.
    event: int
    #: Seconds since the start of the run, by the kubelet's clock.
    at: float


class Statement(NamedTuple):
    """The meaning of a log line.

    `guess` is empty where the line names a sent item, or the owner's pattern matches. `odd`: it may
    concern an item that is not plain text. `mangled`: at the position of an item the line has a
    sent item, cut or changed. `alike`: something that resembles an item. `other`: anything else.
    """

    kind: Kind
    item: Payload
    guess: Guess = ""


class _Named(NamedTuple):
    """An item that a text names, and its position."""

    item: Payload
    begin: int
    end: int


class LineReader:
    """Reads the log lines of the workers of a run with the sent `items`.

    `start` and `done` are the owner's patterns with a group `item`; empty for the built-in phrases.
    `begins` is the form of the worker's own start lines without a built-in phrase, as `names`
    returns it; empty where there is none.
    """

    def __init__(
        self, items: Iterable[bytes], start: str = "", done: str = "", begins: str = ""
    ) -> None:
        self._items = {rendering: payload(item) for item in items for rendering in renderings(item)}
        self._lengths = sorted({len(text) for text in self._items if len(text) <= _MAX_LENGTH})[
            ::-1
        ]
        names = [text for text in self._items.values() if isinstance(text, str)]
        self._odd = not all(map(plain, self._items.values()))
        self._common = (
            frozenset.intersection(*map(_character_classes, names)) if names else frozenset()
        )
        #: The words around an item in lines that name one.
        self._forms: set[tuple[Kind, str]] = set()
        self._pending: list[tuple[Line, str]] = []
        self._known_forms = 0
        self._begins = begins
        self._owner_patterns: dict[Kind, re.Pattern[str]] = {}
        if start:
            self._owner_patterns["start"] = re.compile(start)
        if done:
            self._owner_patterns["done"] = re.compile(done)

    def read(self, text: str) -> Statement | None:
        """Return the meaning of the line; None where it concerns no item."""
        text = _ESCAPES.sub("", text)
        for kind, pattern in self._owner_patterns.items():
            if match := pattern.search(text):
                return Statement(kind, self._owner_item(match["item"]))
        statement = self._read_builtin(text)
        return None if statement is None or statement.kind in self._owner_patterns else statement

    def names(self, text: str) -> tuple[Payload, str] | None:
        """Return the only item that a line without built-in phrases names, and the line's form."""
        text = _ESCAPES.sub("", text)
        if _PHRASE.search(text):
            return None
        named = self._only_item(text, ()) or None
        return None if named is None else (named.item, _form(text, named.begin, named.end))

    def keep(self, line: Line, text: str) -> None:
        """Keep a line without a meaning: a later line may show its form."""
        if len(self._pending) < _MAX_PENDING and _PHRASE.search(text):
            self._pending.append((line, text))

    def late(self) -> list[tuple[Line, Statement]]:
        """Read the kept lines again, by the forms that are known now."""
        if self._known_forms == len(self._forms):
            return []
        self._known_forms = len(self._forms)
        readings = [(line, text, self.read(text)) for line, text in self._pending]
        self._pending = [(line, text) for line, text, statement in readings if statement is None]
        return [(line, statement) for line, _, statement in readings if statement is not None]

    # -- the owner's pattern ----------------------------------------------------------------------

    def _owner_item(self, words: str) -> Payload:
        """Return the sent item, unchanged; otherwise the text without its credentials.

        Known secrets are not masked: a value of the environment may be part of an item's name.
        """
        text = words.strip()
        known = self._items.get(text)
        if known is None:
            named = {mention.item for mention in self._named_items(text)}
            known = named.pop() if len(named) == 1 else None
        return payload(masking.mask(text).encode()) if known is None else known

    # -- the built-in words -----------------------------------------------------------------------

    def _read_builtin(self, text: str) -> Statement | None:
        phrases = list(_PHRASE.finditer(text))
        if not phrases:
            return self._read_learned_form(text)
        named = self._only_item(text, phrases)
        if named is None:
            return None
        if not named:
            return self._guess_item(text, phrases)
        kind = _kind(text, named)
        if kind is None:
            return None
        self._forms.add((kind, _form(text, named.begin, named.end)))
        return Statement(kind, named.item)

    def _read_learned_form(self, text: str) -> Statement | None:
        if not self._begins:
            return None
        named = self._only_item(text, ())
        if named:
            is_start = _form(text, named.begin, named.end) == self._begins
            return Statement("start", named.item) if is_start else None
        tokens = _TOKEN.finditer(text[:_MAX_LENGTH]) if named is False else ()
        for token in tokens:
            if _form(text, token.start(), token.end()) == self._begins:
                return self._unknown_item("start", token[0])
        return None

    def _guess_item(self, text: str, phrases: Sequence[re.Match[str]]) -> Statement | None:
        """Guess whether a line that names no sent item has another token at the item's position."""
        if _NEGATION.search(_NO_ERROR.sub("", text)):
            return None
        kind: Kind = "done" if any(phrase["done"] for phrase in phrases) else "start"
        position = _item_position(text, phrases[0].end())
        rest = payload(masking.mask(text[position:].strip()).encode())
        if self._odd:
            before = _words(text[:position], first=False)
            known = {
                form.partition("\0")[0] for form_kind, form in self._forms if form_kind == kind
            }
            return Statement(kind, rest, "odd") if rest and before in (known or {before}) else None
        for token in _TOKEN.finditer(text[:_MAX_LENGTH]):
            if (kind, _form(text, token.start(), token.end())) in self._forms:
                return self._unknown_item(kind, token[0])
        return None

    def _unknown_item(self, kind: Kind, token: str) -> Statement | None:
        if token.lower() in _NO_ITEMS:
            return None
        item = payload(masking.mask(token).encode())
        if any(_is_mangled(token, rendering) for rendering in self._items):
            return Statement(kind, item, "mangled")
        return Statement(
            kind, item, "alike" if self._common <= _character_classes(token) else "other"
        )

    def _only_item(
        self, text: str, phrases: Sequence[re.Match[str]]
    ) -> _Named | Literal[False] | None:
        """Return the only item that the line concerns; False: it names none; None: several."""
        after = {_item_position(text, mention.end()) for mention in phrases}
        named = [
            mention
            for mention in self._named_items(text)
            if mention.begin in after
            or not (
                len(text[mention.begin : mention.end]) <= _SHORT_LENGTH or _is_number(text, mention)
            )
        ]
        if not named:
            return False
        if len({mention.item for mention in named}) > 1:
            named = [mention for mention in named if mention.begin in after]
        return named[0] if len({mention.item for mention in named}) == 1 else None

    def _named_items(self, text: str) -> Iterator[_Named]:
        """Yield the items that the text names as whole tokens; at each position the longest."""
        position = 0
        while position < len(text):
            named = self._item_at(text, position) if _begins(text, position) else None
            if named is None:
                position += 1
            else:
                yield named
                position = named.end

    def _item_at(self, text: str, place: int) -> _Named | None:
        for length in self._lengths:
            item = self._items.get(text[place : place + length])
            if item is not None and place + length <= len(text) and _ends(text, place + length):
                return _Named(item, place, place + length)
        return None


def renderings(item: bytes) -> set[str]:
    """Return how a worker may print an item: as text, or as programs print other bytes."""
    texts = {item.decode("utf-8", how) for how in ("replace", "backslashreplace", "ignore")}
    texts |= {repr(item), repr(item)[2:-1], item.decode("latin-1")}
    quoted = json.dumps(item.decode("utf-8", "replace"))[1:-1]
    texts |= {quoted, quoted.replace("/", r"\/")}
    return {text.strip() for text in texts} - {""}


def plain(item: Payload) -> bool:
    """Whether a worker that prints this item certainly shows exactly this text.

    The history does not record the parts of a line that resemble credentials.
    """
    return (
        isinstance(item, str)
        and 0 < len(item) <= _MAX_LENGTH
        and item.isprintable()
        and masking.mask(item) == item
    )


def _is_mangled(token: str, item: str) -> bool:
    """Whether the token is the item, cut or changed."""
    if min(len(token), len(item)) < _SHORT_LENGTH:  # so short a part occurs in most words
        return False
    return token in item or item in token or token.lower() == item.lower()


def _character_classes(text: str) -> frozenset[str]:
    """Return the kinds of its characters; all letters are one kind, and all digits."""
    return frozenset(
        "a" if character.isalpha() else "0" if character.isdigit() else character
        for character in text
    )


def _begins(text: str, place: int) -> bool:
    return place == 0 or text[place - 1].isspace() or text[place - 1] in _LEFT_EDGES


def _ends(text: str, place: int) -> bool:
    rest = text[place:].lstrip(".")
    return not rest or rest[0].isspace() or (rest[0] in _RIGHT_EDGES)


def _is_number(text: str, named: _Named) -> bool:
    return _NUMBER.fullmatch(text[named.begin : named.end]) is not None


def _item_position(text: str, place: int) -> int:
    """Return the position of the item after a verb that ends at `place`."""
    filler = _FILLER.match(text, place)
    return filler.end() if filler else place


def _kind(text: str, named: _Named) -> Kind | None:
    """Whether the line means a start or an end; None where it means neither.

    The words of the item itself do not count: its name may be "Working on it".
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
    if kind == "start":  # "(failed before, attempt 2)" is a remark about a start
        rest = _BRACKETED.sub("", rest)
    return None if _NEGATION.search(_NO_ERROR.sub("", rest)) else kind


def _form(text: str, begin: int, end: int) -> str:
    """Return the words before and after the item, which identify lines of the same form."""
    return f"{_words(text[:begin], first=False)}\0{_words(text[end:], first=True)}"


def _words(text: str, *, first: bool) -> str:
    """Return the words next to an item, with all numbers made equal."""
    words = _DIGITS.sub("0", text).split()
    return " ".join(words[:_FORM_WORDS] if first else words[-_FORM_WORDS:])
