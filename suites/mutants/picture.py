"""The detection matrix as a picture: an SVG file that needs nothing else, light or dark."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.suites.mutants.matrix import Line, Matrix, State

_LEFT, _TOP, _CELL, _LEGEND = 210, 40, 22, 34
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.page { fill: #fff } .stripe { fill: #f3f4f6 } .correct { font-weight: 600 }
.found { fill: #1a7f37 } .follows { fill: none; stroke: #1a7f37; stroke-width: 2 }
.held { fill: #8c959f } .job { fill: #9a6700 } .wrong { stroke: #cf222e; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .page { fill: #0d1117 } .stripe { fill: #161b22 }
  .found { fill: #3fb950 } .follows { stroke: #3fb950 } .job { fill: #d29922 }
}
"""
_SAYS: dict[State, str] = {
    "found": "had to be found, and was",
    "follows": "found, and follows from the defect",
    "held": "proved to hold",
    "job": "broken by the Job's manifest",
    "missed": "had to be found, and was not",
    "strange": "found, though nobody foresaw it",
    "unproved": "not proved",
}
#: In the legend one cross stands for all that must not be.
_SHOWN: tuple[tuple[State, str], ...] = (
    ("found", _SAYS["found"]),
    ("follows", _SAYS["follows"]),
    ("held", _SAYS["held"]),
    ("job", _SAYS["job"]),
    ("missed", "an error of this project"),
)


def draw(matrix: Matrix) -> str:
    """Workers as rows, invariants as columns; a cell says what it means when pointed at."""
    width = _LEFT + _CELL * len(matrix.invariants) + 10
    width = max(width, 900)
    height = _TOP + _CELL * len(matrix.lines) + _LEGEND
    size = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    SubElement(svg, "title").text = "Which defect is caught by which invariant"
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", {"class": "page", "width": "100%", "height": "100%"})
    for number, name in enumerate(matrix.invariants):
        _text(svg, _x(number), _TOP - 12, name, anchor="middle")
    for number, line in enumerate(matrix.lines):
        _line(svg, matrix, number, line)
    x = 14.0
    for state, says in _SHOWN:
        _cell(svg, x, height - _LEGEND / 2, state)
        _text(svg, x + 14, height - _LEGEND / 2 + 4, says)
        x += 34 + 6.3 * len(says)
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _line(svg: Element, matrix: Matrix, number: int, line: Line) -> None:
    y = _TOP + _CELL * (number + 0.5)
    if number % 2 == 0:
        at = {"x": "0", "y": f"{y - _CELL / 2:g}", "width": "100%", "height": str(_CELL)}
        SubElement(svg, "rect", {"class": "stripe", **at})
    _text(svg, 10, y + 4, line.worker, css="correct" if line.correct else "")
    for column, name in enumerate(matrix.invariants):
        if state := line.cells.get(name):
            cell = _cell(svg, _x(column), y, state)
            SubElement(cell, "title").text = f"{line.worker}: {name} {_SAYS[state]}"


def _x(column: int) -> float:
    return _LEFT + _CELL * (column + 0.5)


def _cell(svg: Element, x: float, y: float, state: State) -> Element:
    group = SubElement(svg, "g", {"transform": f"translate({x:g} {y:g})"})
    if state in ("found", "follows", "held"):
        radius = {"found": "6", "follows": "5", "held": "1.5"}[state]
        SubElement(group, "circle", {"class": state, "r": radius})
    elif state == "job":
        SubElement(group, "path", {"class": state, "d": "M-5-5h10v10h-10z"})
    else:
        SubElement(group, "path", {"class": "wrong", "d": "M-6-6 6 6M6-6-6 6"})
    return group


def _text(
    svg: Element, x: float, y: float, text: str, *, anchor: str = "start", css: str = ""
) -> None:
    at = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor, "class": css}
    SubElement(svg, "text", at).text = text
