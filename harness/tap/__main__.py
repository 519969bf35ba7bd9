"""Entry point of `python -m harness.tap`."""

import sys

from harness.tap.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
