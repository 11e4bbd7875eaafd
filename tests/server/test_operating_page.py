"""docs/operating.md says what the server does."""

import re
from pathlib import Path

import yaml

from exporter.registry import lists
from exporter.server.routes import ROUTES
from exporter.server.web_config.reader import read
from tests.server.house import hashed

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


def test_the_table_of_endpoints_is_the_table_of_routes() -> None:
    message = re.findall(r"^\| `(/[^`]*)` \| ([A-Z, ]+) \| (\w+)", PAGE, re.M)
    routes = {
        (route.path, frozenset(route.methods) - {"HEAD"}, str(route.rule.role or "anybody"))
        for route in ROUTES
    }
    rows = {(path, frozenset(methods.split(", ")), role) for path, methods, role in message}
    assert rows <= routes
    paths = {listing.path for listing in lists().values()}  # docs/reference/lists.md has them all
    assert {route for route in routes if route[0] not in paths} <= rows


def test_the_example_of_a_web_configuration_is_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    example = next(block for block in blocks if "basic_auth_users" in block)
    parts = yaml.safe_load(example.replace("$2y$10$...", hashed("secret", 10)))
    for token in parts["bearer_tokens"]:
        token["token_file"] = f"{token['name']}.txt"
        (tmp_path / token["token_file"]).write_text(f"a token for {token['name']}")
    parts.pop("tls_server_config"), parts.pop("client_certificates")  # their files are tested with real ones
    path = tmp_path / "web.yml"
    path.write_text(yaml.safe_dump(parts))
    assert {token.name for token in read(str(path)).tokens} == {"grafana", "acme-portal"}
