"""The HTML page of a report: one file that contains everything it needs.

All text that workers printed is hostile. It enters the page only through autoescaping templates,
with its control characters made visible, and the page's content security policy blocks any active
content in it.
"""

from harness.report.html.render import html

__all__ = ["html"]
