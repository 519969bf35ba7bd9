"""`queuejob publish`: a folder of reports becomes a static site; the same one every time."""

from harness.report.site.generate import LeftOut, Published, publish

__all__ = ["LeftOut", "Published", "publish"]
