"""The tap: a proxy between workers and broker that records, holds and cuts. No Kubernetes in it.

`proxy` listens, `link` is one connection with its two lanes, `resp` and `amqp` read the wire,
`points` and `traps` say where to stop it. The records that come out are in `records`.
"""
