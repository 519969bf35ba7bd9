#!/usr/bin/python3
"""A worker that fails on each message; amqp-consume, around it, exits with success all the same."""

import sys

item = sys.stdin.read()
print(f"cannot process {item}", file=sys.stderr)
sys.exit(1)
