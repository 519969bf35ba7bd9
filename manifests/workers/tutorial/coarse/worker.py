#!/usr/bin/python3
"""The task page's worker: gets one message on standard input, works on it and exits."""

import os
import sys
import time

print(f"Processing {sys.stdin.read()}")
time.sleep(float(os.environ.get("ITEM_SECONDS", "10")))
