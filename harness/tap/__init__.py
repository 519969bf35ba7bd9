"""The tap: a proxy between workers and broker that records, holds and cuts connections.

It knows nothing of Kubernetes. As a program it runs in the broker's pod: `program` assembles it,
`proxy.proxy` listens, `proxy.connection` is one connection with its two pipes (`proxy.pipe`),
`protocols` decodes the wire (`amqp_fast`: its most frequent frames), `redis_feed` receives what
Redis itself reports (`monitor`, `replica`), and `control.server` is its control port. At the other
end, `control.client` is the tap for the threads of a test. Both ends share `records`, `points` and
the messages in `control.messages`.
"""
