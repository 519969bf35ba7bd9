"""The report's page: one HTML file with all that it needs in it, made to be read by anybody.

All that workers printed is hostile: it comes into the page through autoescaping templates only,
with its control characters made visible, and the page's policy lets nothing of it act.
"""

from harness.report.html.render import html

__all__ = ["html"]
