"""`queuejob publish`: a folder of reports becomes a static site; the same one every time."""

from harness.report.site.generate import LeftOut, PublishedSite, publish

__all__ = ["LeftOut", "PublishedSite", "publish"]
