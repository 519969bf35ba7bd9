"""A work queue in Redis, with leases, as the task page's library keeps it.

Three kinds of keys, all named after the queue: the list `<name>` of what is still to be done, the
list `<name>:processing` of what somebody is at, and, for each of the latter, a key
`<name>:leased_by_session:<digest of the item>` that expires with the lease. Nothing ever looks
at an expired lease again, on the page or here: that defect is what a test shows.
"""

import hashlib
import uuid


class WorkQueue:
    """One session's view of the queue `name`, over a connected Redis client."""

    def __init__(self, redis, name):
        self._redis = redis
        self._ready, self._processing = name, f"{name}:processing"
        self._lease_prefix = f"{name}:leased_by_session:"
        self.session = str(uuid.uuid4())

    def empty(self):
        """Whether nothing is ready and nobody is at anything."""
        return self._redis.llen(self._ready) == 0 and self._redis.llen(self._processing) == 0

    def lease(self, lease_seconds, timeout):
        """Take an item (bytes), waiting up to `timeout` seconds for one; None when none came."""
        item = self._redis.brpoplpush(self._ready, self._processing, timeout=timeout)
        if item is not None:
            self._redis.set(self._lease_key(item), self.session, ex=lease_seconds)
        return item

    def complete(self, item):
        """Report that the work on `item` is done."""
        self._redis.lrem(self._processing, 0, item)
        self._redis.delete(self._lease_key(item))

    def _lease_key(self, item):
        return self._lease_prefix + hashlib.sha224(item).hexdigest()
