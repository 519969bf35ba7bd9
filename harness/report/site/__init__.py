"""`queuejob publish`: build a static site from a folder of reports, reproducibly."""

from harness.report.site.generate import LeftOut, PublishedSite, publish

__all__ = ["LeftOut", "PublishedSite", "publish"]
