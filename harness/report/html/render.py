"""Render the page: the data of each template, and the content security policy."""

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
    """Render the report as one HTML file. Histories are read from `folder`."""
    ids = _ids(report)
    style = Markup(_read("page.css") + _filters(len(ids)))  # noqa: S704 - all of it is ours
    script = Markup(_read("page.js"))  # noqa: S704 - the same
    kind, result = _RESULTS[report.result]
    known = {guarantee.id: guarantee for guarantee in guarantees()}
    # A number is safe in a CSS selector, whatever characters the id contains.
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
            codes=lambda selected: " ".join(filters[name] for name in selected),
            names=names,
            explained=[known[name] for name in names],
            policy=_policy(style, script),
            style=style,
            script=script,
        )
    )
    return text.encode()


def _ids(report: Report) -> list[str]:
    """Return the invariants that the report mentions, in the order of the explanations."""
    mentioned = dict.fromkeys([*report.summary, *(row.id for row in report.invariants)])
    known = [guarantee.id for guarantee in guarantees() if guarantee.id in mentioned]
    return [*known, *(name for name in mentioned if name not in known)]


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({name: _read(name) for name in _TEMPLATES}),
    )
    environment.globals.update(anchor=anchor, link=link, words=_WORDS, lines=_lines)
    environment.filters["seconds"] = lambda at: f"{at:.2f}"
    environment.filters["breaking"] = lambda name: Markup("_<wbr>").join(_plain(name).split("_"))
    return environment


def _plain(value: Any) -> Any:
    """Clean a value for the page: mask credentials, make unprintable characters visible.

    Histories are stored unmasked, and some values come from them.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return clean(scrubbed(value))


def _lines(one: Guarantee) -> Iterable[tuple[str, int, list[str]]]:
    return [(excerpt.file, excerpt.line, excerpt.text.splitlines()) for excerpt in one.excerpts]


def _filters(count: int) -> str:
    """Write the CSS that hides everything but the selected invariant, without a script."""
    return "".join(
        f'body:has(#only-i{n}:checked) [data-of]:not([data-of~="i{n}"]){{display:none}}\n'
        for n in range(1, count + 1)
    )


def _policy(style: str, script: str) -> str:
    """Write a policy that allows only the style and the script of the page itself."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    )


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (files("harness.report.html") / "template" / name).read_text(encoding="utf-8")
