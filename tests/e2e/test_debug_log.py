"""`--log.level=debug`: each probe is a line, and at other levels none is."""

import re
from pathlib import Path

from tests.e2e.asking import until
from tests.e2e.test_process import Start, start

__all__ = ["start"]

FILE = """
integrations:
  - {{name: dead, provider: tcp, interval: 1s, options: {{host: 127.0.0.1, port: 9}}}}
store: {{url: "sqlite:///{0}/state.db"}}
"""
LINE = re.compile(
    r"level=debug event=probed integration=dead provider=tcp tenant= status=error reason=connect "
    r'detail="[^"]+" duration_seconds=[0-9.e-]+ trace_id=[0-9a-f]{16}'
)


async def _probed(log: Path, times: int) -> bool:
    return log.read_text().count("event=probed") >= times


async def test_each_probe_is_a_line_at_debug_and_none_at_info(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "integration-exporter.yml"
    path.write_text(FILE.format(tmp_path))
    loud = await start("--log.level=debug")
    await until("each probe is logged", lambda: _probed(loud.service.log, 3))
    await loud.service.stop()
    assert len(LINE.findall(loud.log)) >= 3, loud.log
    said = len(loud.log)
    quiet = await start()
    series = 'integration_probes_total{integration="dead",provider="tcp"}'

    async def ran() -> bool:
        return (await quiet.value(series) or 0) >= 3

    await until("the probes run", ran)
    assert "event=probed" not in quiet.log[said:]
