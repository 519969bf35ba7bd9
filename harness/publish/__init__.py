"""`queuejob publish`: a folder of reports becomes a static site; the same one every time."""

from harness.publish.site import LeftOut, Published, publish

__all__ = ["LeftOut", "Published", "publish"]
