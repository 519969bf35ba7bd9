"""A badge: a label and a result in two colours, as SVG without external files."""

from __future__ import annotations

from html import escape

from harness.report.model import Result

_LABEL = "queue Job"
_COLOURS = {
    Result.CONFORMANT: "#1a7f37",
    Result.NONCONFORMANT: "#b42318",
    Result.UNPROVED: "#8a6100",
    Result.INVALID: "#57606a",
}
#: Pixels: the average width of a letter, and the padding on each side of a word.
_LETTER, _SPACE = 6.6, 8


def badge(result: Result, profile: str) -> bytes:
    """Draw a badge with the result and the profile of a report."""
    text = f"{result.value} · {profile}"
    left, right = _width(_LABEL), _width(text)
    title = escape(f"{_LABEL}: {text}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" '
        f'role="img" aria-label="{title}"><title>{title}</title>'
        f'<rect width="{left}" height="20" fill="#333"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[result]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f"{_word(_LABEL, left / 2, left)}{_word(text, left + right / 2, right)}"
        "</g></svg>\n"
    ).encode()


def _width(text: str) -> int:
    return round(len(text) * _LETTER + 2 * _SPACE)


def _word(text: str, middle: float, width: int) -> str:
    length = width - 2 * _SPACE
    return f'<text x="{middle:g}" y="14" textLength="{length}">{escape(text)}</text>'
