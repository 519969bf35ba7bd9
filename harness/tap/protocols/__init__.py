"""Decoders of RESP and AMQP: bytes in, records out."""
