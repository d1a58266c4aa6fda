from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from redis import Redis

from config.office import services
from config.office.children import CannotGoOn, Crew, Service
from config.office.folder import Folder
from shared.session import migrate

T = TypeVar("T")
Starter = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Starts a small office in ``tmp_path`` and returns once it says ``until``."""
    started: list[subprocess.Popen[str]] = []

    def begin(*kinds: str, until: str = "ready") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.config.small_office", str(tmp_path), *kinds]
        office = subprocess.Popen(command, cwd=services.PROJECT, stdout=subprocess.PIPE, text=True)
        started.append(office)
        hear(office, until)
        return office

    yield begin
    for office in started:
        office.kill()
        office.communicate()


def hear(office: subprocess.Popen[str], word: str) -> str:
    """Read what the office says until a line holds ``word``; its end ends the wait too."""
    assert office.stdout is not None
    for line in office.stdout:
        if word in line:
            return line
    raise AssertionError(f"it ended without saying {word!r}")


def pids(folder: Path, count: int) -> list[int]:
    """Wait until ``count`` processes have written themselves down."""
    return eventually(lambda: found if len(found := _written(folder)) >= count else [])


def _written(folder: Path) -> list[int]:
    file = folder / "pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(look: Callable[[], T], seconds: float = 15) -> T:
    until = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return seen


def run_office(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "config.office", "run", *options]
    return subprocess.run(command, cwd=services.PROJECT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_stops_every_process_and_is_no_failure(
    start: Starter, tmp_path: Path, request_to_end: signal.Signals
) -> None:
    office = start("web", "web")
    family = pids(tmp_path, 4)
    office.send_signal(request_to_end)
    hear(office, "stopped")
    assert office.wait(15) == 0
    assert [pid for pid in family if alive(pid)] == []


def test_ctrl_c_while_a_service_is_still_starting_leaves_nothing_behind(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from config.office.children import *\n"
        "def note():\n"
        "    p = pathlib.Path(sys.argv[1]); (p / 'pids').write_text(str(crew.stages[0][0].process.pid)); return False\n"
        "try:\n"
        "    with hearing(), Crew(pathlib.Path(sys.argv[1]), print) as crew:\n"
        "        crew.start(Service(name='slow', command=['/bin/sleep', '60'], environ={}, ready=note))\n"
        "except Asked:\n"
        "    print('stopped')\n"
    )
    office = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=services.PROJECT, stdout=subprocess.PIPE, text=True
    )
    (sleeper,) = pids(tmp_path, 1)
    office.send_signal(signal.SIGINT)
    said, _ = office.communicate(timeout=15)
    assert (said, office.returncode, alive(sleeper)) == ("stopped\n", 0, False)


def test_one_that_does_not_listen_is_ended_by_force(
    start: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.office.children.GRACE", 0.5)
    command = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
    ]
    log = tmp_path / "deaf.log"
    with Crew(tmp_path, print) as crew:
        crew.start(Service(name="deaf", command=command, environ={}, ready=lambda: log.read_text() == "1\n"))
        deaf = crew.stages[0][0].process.pid
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert not alive(deaf)


def test_a_child_that_dies_is_said_and_started_again_without_its_old_helpers(start: Starter, tmp_path: Path) -> None:
    office = start("web")
    child, helper = pids(tmp_path, 2)
    os.kill(child, signal.SIGKILL)
    assert "web0 が止まった" in hear(office, "web0")
    assert eventually(lambda: not alive(helper))
    new, _ = pids(tmp_path, 4)[2:]
    assert alive(new)
    assert office.poll() is None


def test_a_child_that_keeps_dying_ends_the_office_with_one_sentence(start: Starter, tmp_path: Path) -> None:
    office = start("plain")
    for death in range(1, 5):
        os.kill(pids(tmp_path, death)[-1], signal.SIGKILL)
        hear(office, "keeps stopping" if death == 4 else "started again")
    assert office.wait(15) == 1


def test_a_child_that_cannot_start_is_named_with_its_log(start: Starter, tmp_path: Path) -> None:
    office = start("web", "doomed", until="could not be started")
    assert office.wait(15) == 1
    assert "no luck" in (tmp_path / "doomed1.log").read_text()
    assert [pid for pid in _written(tmp_path) if alive(pid)] == []


def test_killing_the_supervisor_leaves_no_orphan_that_was_its_child(start: Starter, tmp_path: Path) -> None:
    office = start("plain", "plain")
    family = pids(tmp_path, 2)
    office.kill()
    assert eventually(lambda: not any(alive(pid) for pid in family), 5)


@pytest.mark.parametrize(("option", "other"), [("--portal-port", "--staff-port"), ("--staff-port", "--portal-port")])
def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path, option: str, other: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        ran = run_office("--var", str(tmp_path), option, str(port), other, str(services.free_port()))
    assert ran.returncode == 1
    assert f"ポート {port} は使えません。{option} で" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "data").exists()
    assert list((tmp_path / "log").iterdir()) == []


@pytest.mark.parametrize("options", [["--portal-port", "0"], ["--staff-port", "http"], ["--portal-port", "8001"]])
def test_a_port_that_cannot_be_one_is_refused_in_words(tmp_path: Path, options: list[str]) -> None:
    ran = run_office("--var", str(tmp_path), *options)
    assert ran.returncode == 2
    assert "ポート" in ran.stderr


def test_a_second_start_in_the_same_folder_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with Folder(tmp_path).locked():
        ran = run_office("--var", str(tmp_path), "--reset")
    assert ran.returncode == 1
    assert "もう動いています" in ran.stderr
    assert ran.stdout == ""


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.office.folder.ROOM", 2**62)
    with pytest.raises(CannotGoOn, match="空きが足りません"):
        Folder(tmp_path).need_room()


def test_a_first_time_that_was_cut_short_is_a_first_time_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(KeyboardInterrupt), folder.first_time() as fresh:  # noqa: PT012 the cut comes in the middle
        folder.database.write_text("half an office")
        raise KeyboardInterrupt
    assert fresh
    with folder.first_time() as fresh:
        assert (fresh, folder.database.exists()) == (True, False)
        folder.database.write_text("a whole office")
    with folder.first_time() as fresh:
        assert (fresh, folder.database.read_text()) == (False, "a whole office")


def test_emptying_takes_data_and_secrets_and_leaves_the_rest(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    secret = folder.secret("portal")
    with folder.first_time():
        folder.database.touch()
    (tmp_path / "cache").mkdir()
    folder.empty()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert folder.secret("portal") != secret


def test_emptying_does_not_touch_a_data_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.odt").touch()
    with pytest.raises(CannotGoOn, match="消しません"):
        Folder(tmp_path).empty()
    assert (tmp_path / "data" / "thesis.odt").exists()


def test_secrets_are_kept_differ_by_app_and_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    portal, staff = folder.secret("portal"), folder.secret("staff")
    assert portal == folder.secret("portal") != staff
    assert len(portal) == 64
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


@pytest.mark.parametrize("depth", ["short", "a-folder-name-that-is-long-enough-to-overflow-a-socket's-path/" * 3])
def test_the_queue_server_keeps_what_it_took_through_a_kill(tmp_path: Path, depth: str) -> None:
    folder = Folder(tmp_path / depth)
    with folder.locked(), folder.first_time():
        for wrote in (True, False):
            queue = services.Valkey.at(folder)
            with Crew(folder.log, print) as crew:
                crew.start(queue.service)
                with Redis.from_url(queue.url, decode_responses=True) as client:
                    if wrote:
                        client.set("job", "窓口")
                        os.kill(crew.stages[0][0].process.pid, signal.SIGKILL)
                    else:
                        assert client.get("job") == "窓口"
            assert queue.url.startswith("unix:" if depth == "short" else "redis://:")
    assert (folder.run / "queue.conf").stat().st_mode & 0o077 == 0


def test_killing_a_web_server_leaves_no_worker_on_its_port(tmp_path: Path) -> None:
    """Granian's worker is a fork of its main process: the entry point puts it on a leash of its own."""
    (tmp_path / "small.py").write_text(
        "import os, pathlib\n"
        "from config.office.leash import end_with_parent\n"
        "def app():\n"
        "    end_with_parent()\n"
        "    pathlib.Path('worker').write_text(str(os.getpid()))\n"
        "    return lambda environ, start: (start('200 OK', []), [b'ok'])[1]\n"
    )
    port = services.free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--factory", "small:app"]
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}:{services.PROJECT}"}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
    assert eventually(services.healthy(port))
    worker = int((tmp_path / "worker").read_text())
    server.kill()
    server.wait()
    assert worker != server.pid
    assert eventually(lambda: not alive(worker))
    services.need_free(port, "--portal-port")


def test_a_web_server_that_is_asked_says_where_its_threads_stand_and_goes_on(tmp_path: Path) -> None:
    folder, port = Folder(tmp_path), services.free_port()
    for place in (folder.data, folder.root / "secrets"):
        place.mkdir()
    variables = services.environ(folder, "portal", "redis://127.0.0.1:1")
    migrate(variables["MADOGUCHI_DATABASE_URL"])
    with folder.locked(), Crew(folder.log, print) as crew:
        crew.start(services.web("portal", port, variables))
        said = folder.log / "portal.log"
        worker = re.search(r"worker-1 with PID: (\d+)", said.read_text(encoding="utf-8"))
        assert worker is not None
        os.kill(int(worker[1]), signal.SIGUSR1)
        assert eventually(lambda: "most recent call first" in said.read_text(encoding="utf-8"))
        assert services.healthy(port)()
