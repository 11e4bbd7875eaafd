"""The store of docker-compose.yml: a real PostgreSQL that its file prepared, and who may do what."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from exporter.demo.traffic import build_parser
from exporter.generate.provisioning import ROLE
from exporter.store.database import Database
from tests.packaging.compose import FILES, SERVICES
from tests.packaging.conftest import ROOT
from tests.servers.postgres import Cluster, cluster, program


@pytest.fixture(scope="module")
def server(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run what the image runs when its volume is empty."""
    folder = tmp_path_factory.mktemp("initdb")
    text = (FILES / "databases.sql").read_text().replace("/run/secrets", str(made))
    (folder / "databases.sql").write_text(text)
    shutil.copy(ROOT / ROLE, folder / "store-role.sql.txt")
    with cluster() as running:
        running.admin("DROP ROLE monitor")
        words = ["-h", str(running.home), "-p", str(running.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
        command = [program("psql"), "-X", "-q", *words, "-f", str(folder / "databases.sql")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        yield running


def _connect(server: Cluster, made: Path, user: str, secret: str) -> "psycopg.Connection[tuple[int, ...]]":
    return psycopg.connect(
        host="127.0.0.1",
        port=server.port,
        dbname="exporter",
        user=user,
        password=(made / secret).read_text(),
        sslmode="require",
        autocommit=True,
    )


def test_the_exporter_owns_its_store_and_grafana_reads_its_views(server: Cluster, made: Path) -> None:
    url = (made / "store_url").read_text()
    assert url.endswith("@postgres/exporter?sslmode=disable")
    # The tests' server speaks TLS alone.
    there = url.replace("@postgres/", f"@127.0.0.1:{server.port}/").replace("disable", "require")
    store = Database(there)
    store.open()
    store.close()
    user = SERVICES["grafana"]["environment"]["INTEGRATION_STORE_USER"]
    with _connect(server, made, user, "grafana_store_password") as grafana:
        assert grafana.execute("SELECT count(*) FROM grafana.errors").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            grafana.execute("SELECT count(*) FROM public.failure")
    with _connect(server, made, "monitor", "postgres_monitor_password") as monitor:
        assert monitor.execute("SELECT count(*) > 0 FROM pg_stat_database").fetchone() == (True,)


def test_the_app_is_called_by_words_it_knows() -> None:
    options = build_parser().parse_args(SERVICES["app"]["command"])
    assert str(options.port) in SERVICES["app"]["healthcheck"]["test"][-1]
    configured = (FILES / "demo/integration-exporter.yml").read_text()
    assert f"http://app:{options.port}/" in configured
