"""The tap: a proxy between workers and broker that records, holds and cuts. No Kubernetes in it.

As a program it stands in the broker's pod: `program` puts it together, `proxy` listens, `link` is
one connection with its two `lane`s, `resp` and `amqp` read the wire (`hot`: its most frequent
frames), `witness` brings what Redis itself tells (`monitor`, `replica`), and `server` is its
control port. At the other end, `remote` is the tap for the threads of a test. Both ends know
`records`, `points` and the messages in `control`.
"""
