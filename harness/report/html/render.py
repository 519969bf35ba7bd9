"""The page from the report: what each part of the template is given, and the page's own policy."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from harness.checks.guarantees import Guarantee, anchor, guarantees, link
from harness.core.masking import mask as scrubbed
from harness.core.text import clean
from harness.report.html.sections import sections
from harness.report.model import Report

_TEMPLATES = ("index.html", "scene.html", "timeline.html", "explain.html", "facts.html")
_RESULTS = {
    "conformant": ("pass", "Conformant"),
    "nonconformant": ("fail", "Not conformant"),
    "unproved": ("unknown", "Not proved"),
    "invalid": ("unknown", "Invalid"),
}
_WORDS = {"pass": "holds", "fail": "broken", "unknown": "not proved"}


def html(report: Report, folder: Path) -> bytes:
    """One HTML file that needs nothing else; histories are read from `folder`, where they are."""
    ids = _ids(report)
    style = Markup(_read("page.css") + _filters(len(ids)))  # noqa: S704 - all of it is ours
    script = Markup(_read("page.js"))  # noqa: S704 - the same
    kind, result = _RESULTS[report.result]
    known = {one.id: one for one in guarantees()}
    # By its number an id is safe in a selector, whatever somebody has called it.
    filters = {name: f"i{number}" for number, name in enumerate(ids, start=1)}
    names = {name: known[name].name for name in ids if name in known}
    text = (
        _environment()
        .get_template("index.html")
        .render(
            report=report,
            kind=kind,
            result=result,
            scenes=sections(report, folder),
            cells={(row.scenario, row.id): row for row in report.invariants},
            filters=filters,
            codes=lambda some: " ".join(filters[name] for name in some),
            names=names,
            explained=[known[name] for name in names],
            policy=_policy(style, script),
            style=style,
            script=script,
        )
    )
    return text.encode()


def _ids(report: Report) -> list[str]:
    """The invariants that the report says anything about, in the order of the explanations."""
    said = dict.fromkeys([*report.summary, *(row.id for row in report.invariants)])
    known = [one.id for one in guarantees() if one.id in said]
    return [*known, *(name for name in said if name not in known)]


def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({name: _read(name) for name in _TEMPLATES}),
    )
    made.globals.update(anchor=anchor, link=link, words=_WORDS, lines=_lines)
    made.filters["seconds"] = lambda at: f"{at:.2f}"
    made.filters["breaking"] = lambda name: Markup("_<wbr>").join(_plain(name).split("_"))
    return made


def _plain(value: Any) -> Any:
    """Whatever goes into the page: without credentials, and what does not just print is visible.

    The histories, from which some of it comes, have what workers wrote as they wrote it.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return clean(scrubbed(value))


def _lines(one: Guarantee) -> Iterable[tuple[str, int, list[str]]]:
    return [(cut.file, cut.line, cut.text.splitlines()) for cut in one.excerpts]


def _filters(count: int) -> str:
    """What hides all that is not about the invariant that was chosen; no script is needed."""
    return "".join(
        f'body:has(#only-i{n}:checked) [data-of]:not([data-of~="i{n}"]){{display:none}}\n'
        for n in range(1, count + 1)
    )


def _policy(style: str, script: str) -> str:
    """Nothing may act or be fetched but the style and the script that are in the page."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    )


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (files("harness.report.html") / "template" / name).read_text(encoding="utf-8")
