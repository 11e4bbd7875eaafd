"""`python -m exporter` is the same command as `integration-exporter`."""

import sys

from exporter.cli import main

if __name__ == "__main__":
    sys.exit(main())
