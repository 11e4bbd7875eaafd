"""Imports structlog without rich: 4 MB and 0.1 s for coloured tracebacks, which our log never shows.

A command that runs for long imports this first. Other commands, which print tables, use rich as usual.
"""

import sys

_absent = "rich" not in sys.modules
if _absent:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python notes that there is no such module
import structlog  # noqa: E402, F401 - it looks for rich while it is imported, and does without

if _absent:
    del sys.modules["rich"]
