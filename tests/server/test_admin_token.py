"""The admin token over time: it goes and comes back, it is written where nothing fits, nothing forges it."""

import gc
import os
import resource
import stat
from pathlib import Path

import pytest

from exporter.core.admin_token import LONGEST, SERVICE, create_or_read, read, usual_paths
from exporter.core.errors import StartError
from exporter.server.admin import AdminToken
from exporter.server.sessions import MOST_SESSIONS, SESSION_SECONDS
from tests.server.house import NOW

TEXT = "a-token-of-the-operator-0123456789"


def prepared(folder: Path) -> tuple[AdminToken, Path]:
    """Return the token of an exporter that has begun, and its file."""
    path = folder / "admin-token"
    made = AdminToken(path)
    made.prepare()
    return made, path


# --- the file changes while the exporter runs ----------------------------------------------------------


@pytest.mark.parametrize("moved", ["state/admin-token", "state"])
def test_a_token_that_was_moved_away_counts_again_once_it_is_back(tmp_path: Path, moved: str) -> None:
    made, path = prepared(tmp_path / "state")
    text, session = path.read_text().strip(), made.begin_session(NOW)
    (tmp_path / moved).rename(tmp_path / "aside")
    assert not made.fits(text) and not made.has_session(session, NOW)
    (tmp_path / "aside").rename(tmp_path / moved)
    assert made.fits(text) and made.has_session(session, NOW)
    assert made.trouble == ""


def test_a_token_whose_rights_were_wrong_counts_again_once_they_are_right(tmp_path: Path) -> None:
    made, path = prepared(tmp_path)
    text = path.read_text().strip()
    path.chmod(0o644)
    assert not made.fits(text) and "open to other users" in made.trouble
    path.chmod(0o600)
    assert made.fits(text) and made.trouble == ""


def test_what_is_reported_of_a_token_is_what_holds_now(tmp_path: Path) -> None:
    made, path = prepared(tmp_path)
    assert made.trouble == ""  # already after the start
    path.chmod(0o644)
    assert not made.usable() and "open to other users" in made.trouble
    path.unlink()
    assert not made.usable()
    assert made.trouble == f"{path} is not there; the next start makes a new one"
    token_file(tmp_path, b"short")
    assert not made.usable()
    assert "holds no token; remove it, and the exporter makes a new one at its start" in made.trouble


def test_a_token_without_a_place_says_why(tmp_path: Path) -> None:
    assert AdminToken().trouble == "it has no admin token"
    assert AdminToken(trouble="there is no home").trouble == "there is no home"
    nowhere = AdminToken()
    nowhere.prepare()
    assert not nowhere.usable() and not nowhere.fits("") and not nowhere.fits(TEXT)
    (tmp_path / "file").write_text("")
    blocked = AdminToken(tmp_path / "file" / "admin-token")
    blocked.prepare()
    for _ in range(2):  # it stays true at each question
        assert not blocked.usable() and "cannot be written (File exists)" in blocked.trouble


# --- sessions ------------------------------------------------------------------------------------------


def test_a_session_lasts_twelve_hours_to_the_second(tmp_path: Path) -> None:
    made, _ = prepared(tmp_path)
    session = made.begin_session(NOW)
    assert SESSION_SECONDS == 12 * 3600
    assert made.has_session(session, NOW + 12 * 3600 - 0.1)
    assert not made.has_session(session, NOW + 12 * 3600)


def test_a_session_that_has_ended_is_none_any_more_and_others_go_on(tmp_path: Path) -> None:
    made, _ = prepared(tmp_path)
    first, second = made.begin_session(NOW), made.begin_session(NOW)
    assert first != second  # begun in the same second
    made.end_session(first)
    made.end_session("none")
    assert not made.has_session(first, NOW) and made.has_session(second, NOW)


def test_another_token_ends_every_session_for_good(tmp_path: Path) -> None:
    made, path = prepared(tmp_path)
    text, session = path.read_text(), made.begin_session(NOW)
    path.write_text(TEXT)
    assert not made.has_session(session, NOW)
    path.write_text(f"{text}\n")
    assert made.fits(text.strip()) and not made.has_session(session, NOW)


def test_a_session_is_known_to_the_process_that_began_it_alone(tmp_path: Path) -> None:
    made, path = prepared(tmp_path)
    again = AdminToken(path)
    again.prepare()
    assert not again.has_session(made.begin_session(NOW), NOW)


def test_sessions_are_bounded_and_the_oldest_end_first(tmp_path: Path) -> None:
    made, _ = prepared(tmp_path)
    sessions = [made.begin_session(NOW) for _ in range(MOST_SESSIONS + 2)]
    assert [made.has_session(one, NOW) for one in sessions] == [False] * 2 + [True] * MOST_SESSIONS


def test_without_a_token_there_is_no_session(tmp_path: Path) -> None:
    made, path = prepared(tmp_path)
    session = made.begin_session(NOW)
    path.unlink()
    assert not made.has_session(session, NOW) and not made.fits("")
    assert not AdminToken().has_session("", NOW)


@pytest.mark.parametrize("text", ["\udcff", f"{TEXT}\udcff", "\x00", "²", ""])
def test_odd_signs_are_no_token_and_no_session(tmp_path: Path, text: str) -> None:
    made, _ = prepared(tmp_path)
    session = made.begin_session(NOW)
    assert not made.fits(text)
    for forged in (text, session + text if text else "", f"{text}.{session}"):
        assert not made.has_session(forged, NOW)
    made.end_session(text)


# --- what is a token, and whose ------------------------------------------------------------------------


def token_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "admin-token"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "content", [b"x" * 16, b"x" * LONGEST, b"!" * 20, b"~" * 20, b"  " + b"x" * 16 + b"\r\n"]
)
def test_a_token_has_sixteen_to_4096_visible_signs(tmp_path: Path, content: bytes) -> None:
    assert LONGEST == 4096
    assert read(token_file(tmp_path, content)).reveal() == content.strip().decode()


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 15, b"x" * 4097, b"x" * 10 + b" " + b"x" * 10, b"x" * 20 + b"\x7f", b"x" * 20 + b"\xc3\xa4"],
)
def test_what_is_shorter_longer_or_not_visible_is_no_token(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StartError, match="holds no token; remove it"):
        read(token_file(tmp_path, content))


@pytest.mark.parametrize("mode", [0o601, 0o602, 0o604, 0o620, 0o660])
def test_a_token_that_others_may_write_or_anybody_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(StartError, match="is open to other users; make a new token: chmod 600 it, and"):
        read(token_file(tmp_path, TEXT.encode(), mode))


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_group_may_read_the_token_where_the_operator_says_so(tmp_path: Path, mode: int) -> None:
    secret = read(token_file(tmp_path, TEXT.encode(), mode))
    assert (secret.reveal(), secret.file) == (TEXT, str(tmp_path / "admin-token"))


def test_a_token_belongs_to_the_user_of_the_exporter_or_to_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = token_file(tmp_path, TEXT.encode())
    if os.geteuid() == 0:
        os.chown(path, 4711, -1)
        assert read(path).reveal() == TEXT  # root reads whosever it is
    owner = path.stat().st_uid
    # Which user a process is cannot be changed back, so the question itself is answered.
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StartError, match="belongs to another user; remove it, or name another by --web"):
        read(path)
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    assert read(path).reveal() == TEXT
    monkeypatch.undo()
    if os.geteuid() == 0:
        os.chown(path, 0, -1)
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        assert read(path).reveal() == TEXT


def test_a_pipe_in_the_place_of_the_token_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "admin-token", 0o600)
    with pytest.raises(
        StartError, match=r"is no file; name a file of the exporter's own by --web.admin-token"
    ):
        read(tmp_path / "admin-token")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("absent", "cannot be read .No such file or directory.; name a file of the exporter's own"),
        ("a\0b", "cannot be read .this is no path.; name a file"),
        ("\ud800", "cannot be read .this is no path.; name a file"),
    ],
)
def test_a_token_that_cannot_be_read_says_why(tmp_path: Path, place: str, message: str) -> None:
    with pytest.raises(StartError, match=message):
        read(tmp_path / place)


def test_what_is_no_path_cannot_be_written_either(tmp_path: Path) -> None:
    with pytest.raises(
        StartError, match=r"cannot be written .this is no path.; name a file of the exporter's"
    ):
        create_or_read(tmp_path / "\ud800")


# --- making one ----------------------------------------------------------------------------------------


def test_a_token_is_made_in_folders_that_are_there_and_in_those_that_are_not(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        assert len(create_or_read(folder / "admin-token").reveal()) == 43
    assert stat.S_IMODE((tmp_path / "not" / "yet").stat().st_mode) == 0o700


def test_a_token_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # as a disk that is full
    try:
        with pytest.raises(StartError, match=r"cannot be written .File too large."):
            create_or_read(tmp_path / "admin-token")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert create_or_read(tmp_path / "admin-token").reveal()


def test_reading_and_making_tokens_keeps_no_file_open(tmp_path: Path) -> None:
    gc.collect()  # else it may close files of other tests meanwhile, and hide one of ours
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(5):
        create_or_read(tmp_path / str(number))
        with pytest.raises(StartError):
            read(token_file(tmp_path, b"short"))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_the_service_and_its_commands_agree_on_one_place() -> None:
    assert Path("/var/lib/integration-exporter/admin-token") == SERVICE
    assert usual_paths({"STATE_DIRECTORY": "/var/lib/integration-exporter"}) == (SERVICE,)
    assert usual_paths({}) == (SERVICE,)
