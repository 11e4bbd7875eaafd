"""How commands find the admin token of an exporter on this machine, and to whom they never send it."""

import os
import socket
from pathlib import Path

import pytest

from exporter.commands.api_client import read_token
from exporter.commands.local_token import find_token, listeners
from exporter.core.admin_token import SERVICE, create_or_read, own_path, usual_paths
from exporter.core.defaults import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE
from exporter.core.errors import StartError

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def table(path: Path, *sockets: tuple[int, str, int]) -> tuple[str]:
    """Write what proc(5) describes: port, state and user of each socket."""
    rows = "".join(
        f"   0: 0100007F:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {user} 0 1\n"
        for port, state, user in sockets
    )
    path.write_text(HEAD + rows)
    return (str(path),)


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "HOME": "/home/x"}, "/var/lib/a/admin-token"),
        ({"XDG_STATE_HOME": "/s", "HOME": "/home/x"}, "/s/integration-exporter/admin-token"),
        ({"XDG_STATE_HOME": "s", "HOME": "/x"}, "/x/.local/state/integration-exporter/admin-token"),
        ({"HOME": "/x"}, "/x/.local/state/integration-exporter/admin-token"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_the_place_of_the_token_follows_the_environment(
    environment: dict[str, str], place: str | None
) -> None:
    assert own_path(environment) == (Path(place) if place else None)
    assert usual_paths(environment)[-1] == SERVICE


def test_the_token_of_this_users_exporter_is_found(tmp_path: Path) -> None:
    place = own_path({"XDG_STATE_HOME": str(tmp_path)})
    assert place
    secret = create_or_read(place)
    tables = table(tmp_path / "tcp", (10055, "0A", os.geteuid()), (10055, "01", 4711), (10056, "0A", 4711))
    for url in ("http://127.0.0.1:10055", "http://localhost:10055/prefix", "http://[::1]:10055"):
        assert find_token(url, {"XDG_STATE_HOME": str(tmp_path)}, tables) == secret
    for url in ("http://192.0.2.1:10055", "http://127.0.0.1:10057", "http://127.0.0.1:x", "http://localhost"):
        assert find_token(url, {"XDG_STATE_HOME": str(tmp_path)}, tables) is None


def test_the_token_is_not_given_to_a_port_that_another_user_listens_on(tmp_path: Path) -> None:
    place = own_path({"XDG_STATE_HOME": str(tmp_path)})
    assert place
    create_or_read(place)
    mine = os.geteuid()
    for users, given in (((mine,), True), ((0,), True), ((4711,), False), ((mine, 4711), False), ((), False)):
        tables = table(tmp_path / "tcp", *((10055, "0A", user) for user in users))
        assert (
            find_token("http://127.0.0.1:10055", {"XDG_STATE_HOME": str(tmp_path)}, tables) is not None
        ) is given
    assert find_token("http://127.0.0.1:10055", {"XDG_STATE_HOME": str(tmp_path)}, ("/nowhere",)) is None


def test_the_kernel_says_who_listens() -> None:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.create_server((address, 0), family=family) as server:
            port = server.getsockname()[1]
            assert listeners(port, ("/proc/net/tcp", "/proc/net/tcp6")) == {os.geteuid()}
        assert listeners(port, ("/proc/net/tcp", "/proc/net/tcp6")) == frozenset()


def test_a_token_that_is_given_goes_before_one_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flag", "variable"):
        (tmp_path / name).write_text(f"of-the-{name}\n")
    assert read_token(None) is None
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(tmp_path / "variable"))
    found = read_token(None)
    assert found and found.reveal() == "of-the-variable"
    monkeypatch.setenv(TOKEN_VARIABLE, "in-the-environment")
    found = read_token(None)
    assert found and found.reveal() == "in-the-environment"
    found = read_token(str(tmp_path / "flag"))
    assert found and found.reveal() == "of-the-flag"
    monkeypatch.delenv(TOKEN_VARIABLE)
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(StartError, match="INTEGRATION_EXPORTER_TOKEN_FILE cannot be read: No such file"):
        read_token(None)
