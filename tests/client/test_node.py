"""The client for Node is tested by Node's own runner, with Express as Debian has it."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
DEBIAN_MODULES = "/usr/share/nodejs"


def test_the_node_client() -> None:
    tests = sorted(map(str, (HERE / "node").glob("*.test.mjs")))
    done = subprocess.run(
        ["node", "--test", *tests],
        env={**os.environ, "NODE_PATH": DEBIAN_MODULES},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) >= 20
    assert re.search(r"^# skipped 0$", done.stdout, re.MULTILINE)
