"""Commands that ask a running exporter: tables, JSON and CSV, and one clear sentence when it goes wrong."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.core.reason import Reason
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from tests.server.house import NOW, House, Room, house, state
from tests.server.test_access import TOKENS, web_config
from tests.server.test_lists import failure, summaries
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.threaded_http import serving

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db")
    made.open()
    rows = [failure(NOW - at, "payments", "acme", detail=f"=refused {at}\x1b[31m") for at in range(150)]
    made.write(
        [CheckBatch(failures=[*rows, failure(NOW, "mail", "globex", Reason.DNS)], summaries=summaries())]
    )
    yield made
    made.close()


@pytest.fixture
async def served(tmp_path: Path, store: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    states = [state("payments", "acme", "error", Reason.AUTH), state("mail", "globex")]
    async with house(Room(states, path=web_config(tmp_path), store=store)) as made:
        monkeypatch.setenv("INTEGRATION_EXPORTER_URL", made.url)
        monkeypatch.setenv("INTEGRATION_EXPORTER_TOKEN", TOKENS["viewer"])
        yield made


async def run(*words: str) -> int:
    return await asyncio.to_thread(main, words)


async def test_errors_are_a_table_of_the_newest(served: House, capsys: Captured) -> None:
    assert await run("errors") == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split()[:5] == ["AT", "INTEGRATION", "TENANT", "REASON", "DETAIL"]
    assert len(lines) == 100
    assert "globex" in lines[0]
    assert "\x1b" not in "".join(lines)


async def test_errors_as_json_are_all_of_them_a_line_each(served: House, capsys: Captured) -> None:
    assert await run("errors", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 151
    assert rows[1]["detail"] == "=refused 0\x1b[31m"
    assert await run("errors", "--json", "--tenant=globex", "--integration=mail", "--since=1h") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


async def test_errors_as_csv_have_a_heading_and_no_formula(served: House, capsys: Captured) -> None:
    assert await run("errors", "--csv", "--limit=2") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["tenant"] for row in rows] == ["globex", "acme"]
    assert rows[1]["detail"] == "'=refused 0\x1b[31m"


async def test_tenants_and_statistics_are_tables_too(served: House, capsys: Captured) -> None:
    assert await run("tenants") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["acme", "error", "1", "1"]
    assert await run("stats", "--by=target", "--window=24h") == 0
    first = capsys.readouterr().out.splitlines()[1].split()
    assert first[:6] == ["payments", "acme", "20", "75.00", "%", "100.00"]
    assert await run("stats", "--csv") == 0
    assert capsys.readouterr().out.startswith("integration,runs,uptime,before_uptime,error_ratio")
    assert await run("changes") == 0
    assert capsys.readouterr().err == "no changes of state\n"


async def test_the_list_of_tenants_warns_of_those_that_are_left_out(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # no admin token of another test's exporter
    warning = "tenants.http of web: rows with mistakes are left out"
    async with house(Room([state("web", "acme")], tenant_warnings=(warning,))) as made:
        assert await run("tenants", f"--exporter.url={made.url}") == 0
        assert capsys.readouterr().err == f"warning: {warning}\n"


@pytest.mark.parametrize("command", ["errors", "changes", "tenants", "stats"])
@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_a_mistyped_name_is_refused_with_the_closest_one(
    served: House, capsys: Captured, command: str, form: tuple[str, ...]
) -> None:
    assert await run(command, "--tenant=globxe", *form) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("says: there is no tenant 'globxe'; did you mean globex?\n")


async def test_no_statistics_yet_is_no_claim_that_nothing_was_checked(
    served: House, capsys: Captured
) -> None:
    assert await run("stats", "--integration=mail", "--window=1h") == 0
    assert "those of the last five minutes may be missing" in capsys.readouterr().err


async def test_who_may_not_is_refused_and_the_token_is_not_shown(
    served: House, capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKENS["ingest"] + "\n")
    assert await run("errors", "--token-file", str(file)) == 1
    assert "needs the role viewer" in capsys.readouterr().err
    monkeypatch.setenv("INTEGRATION_EXPORTER_TOKEN", "planted-and-wrong")
    assert await run("errors") == 1
    said = capsys.readouterr().err
    assert "wants credentials; give a token" in said
    assert "planted" not in said
    file.write_text("two tokens")
    assert await run("errors", "--token-file", str(file)) == 1
    assert "holds more than one token" in capsys.readouterr().err
    assert await run("errors", "--token-file", str(tmp_path / "none")) == 1
    assert "No such file" in capsys.readouterr().err


async def test_a_refusal_is_reported_in_the_exporters_words(served: House, capsys: Captured) -> None:
    assert await run("errors", "--since=yesterday") == 1
    assert "since must be a time such as" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["ftp://host", "localhost:10055", "http://user:planted@host", "http://host:x"]
)
async def test_an_address_of_no_use_is_a_sentence_without_credentials(url: str, capsys: Captured) -> None:
    assert await run("errors", f"--exporter.url={url}") == 1
    said = capsys.readouterr().err
    assert "must be a URL such as http://127.0.0.1:10055" in said
    assert "planted" not in said


async def test_that_no_exporter_runs_is_said(capsys: Captured) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert await run("tenants", "--exporter.url", url) == 1
    assert f"no exporter runs at {url}; start one" in capsys.readouterr().err


class Odd(BaseHTTPRequestHandler):
    """Answers as no exporter does: a page, or a list that ends too soon."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200 if "errors" in self.path else 404)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = b'{"at": 1}\n{"at": 2}\n'
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


async def test_a_list_that_breaks_off_is_not_taken_for_a_whole_one(capsys: Captured) -> None:
    with serving(Odd) as port:
        assert await run("errors", "--json", f"--exporter.url=http://127.0.0.1:{port}") == 1
        assert "broke off in the middle of its answer; ask again" in capsys.readouterr().err
        assert await run("tenants", f"--exporter.url=http://127.0.0.1:{port}") == 1
        assert "answers 404 to /api/v1/tenants; is it an integration-exporter" in capsys.readouterr().err


async def test_a_certificate_that_is_not_trusted_is_refused_and_its_authority_can_be_given(
    capsys: Captured, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    with serving(Odd, authority.server("localhost")) as port:
        url = f"--exporter.url=https://localhost:{port}"
        assert await run("errors", url) == 1
        assert "give its authority by --ca-file" in capsys.readouterr().err
        assert await run("errors", url, "--ca-file", authority.ca_file) == 1
        assert "broke off" in capsys.readouterr().err
        assert await run("errors", url, "--ca-file", str(tmp_path / "none")) == 1
        assert "none cannot be used: No such file" in capsys.readouterr().err
