"""Find words that this project does not use: `python suites/lint/wording.py [FILE…]`.

The exit code is 1 where there is one.

It reads docstrings and comments of the package and the plugin, or of the files that are named.
Literal strings are data, and are not read.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: A pattern, and what to write instead.
WORDS = {
    r"nobody|somebody|whoever": "name the actor: the worker, the harness, the broker",
    r"anew": "again",
    r"beside": "next to, or in addition to",
    r"by (it|them)sel(f|ves)": "automatically, or leave it out",
    r"tell|tells|told": "log, notify, report, show",
    r"prey|hearsay|bulletin|station|stages?": "a term of ARCHITECTURE.md",
    r"harms?|harmed|hurts?": "fault, inject",
    r"task page": "tutorial",
}
_WORD = re.compile(r"\b(" + "|".join(f"(?:{word})" for word in WORDS) + r")\b", re.IGNORECASE)
#: What stands in backticks is code.
_CODE = re.compile(r"`[^`]*`")


def main(arguments: list[str]) -> int:
    """Print each finding as `file:line: word: what to write`; the exit code."""
    files = [Path(name) for name in arguments] or [*_own_files()]
    found = False
    for file in files:
        for line, text in sorted(_prose(file.read_text(encoding="utf-8"))):
            for match in _WORD.finditer(_CODE.sub("", text)):
                found = True
                print(f"{file}:{line}: {match.group()!r}: {_instead(match.group())}")
    return int(found)


def _own_files() -> Iterator[Path]:
    for folder in ("fixtures", "harness"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _prose(source: str) -> Iterator[tuple[int, str]]:
    """Lines of docstrings and comments, with their numbers."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and (ast.get_docstring(node, clean=False) is not None):
            expression = node.body[0]
            text = ast.get_docstring(node, clean=False) or ""
            for offset, line in enumerate(text.splitlines()):
                yield expression.lineno + offset, line


def _instead(word: str) -> str:
    known = (text for pattern, text in WORDS.items() if re.fullmatch(pattern, word, re.IGNORECASE))
    return next(known, "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
