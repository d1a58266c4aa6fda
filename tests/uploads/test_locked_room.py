"""Files made to hurt, opened in the locked room: each costs itself and nothing more."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pikepdf
import pytest
import structlog
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from config.settings import MEBIBYTE
from tests.uploads import conftest as papers
from uploads import locked_room
from uploads.checks import Kind
from uploads.locked_room import Done, Keeper, Refused, RoomClosed, RoomIncomplete, SafeCopies, make_safe_copies

HOSTILE = Path(__file__).with_name("hostile_keeper.py")

PNG_START = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def black_png(width: int, height: int) -> bytes:
    """A small file of one black picture, however large."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    return png(width, height, b"".join(packer.compress(row) for _ in range(height)) + packer.flush())


def png(width: int, height: int, packed: bytes) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    return PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def blank_pdf(path: Path, pages: int = 1, box: tuple[float, float] = (595, 842)) -> None:
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page().obj.MediaBox = pikepdf.Array([0, 0, *box])
        pdf.save(path)


def nested_pdf(path: Path, levels: int = 30) -> None:
    """A page that draws a form twice, which draws another twice, and so on: two to the power of ``levels``."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        inner = pdf.make_stream(b"0 0 10 10 re f")
        inner.Type, inner.Subtype, inner.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, pikepdf.Array([0, 0, 595, 842])
        for _ in range(levels):
            outer = pdf.make_stream(b"q /X Do Q q /X Do Q")
            outer.Type, outer.Subtype, outer.BBox = inner.Type, inner.Subtype, inner.BBox
            outer.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=inner))
            inner = outer
        page = pdf.pages[0].obj
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=inner))
        page.Contents = pdf.make_stream(b"/X Do")
        pdf.save(path)


def content_bomb(path: Path, mebibytes: int = 1024) -> None:
    """A page whose drawing instructions unpack to a gibibyte."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        packer = zlib.compressobj(9)
        start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(b"0 0 m " * (MEBIBYTE // 6)) + packer.flush(zlib.Z_FULL_FLUSH)
        packed = start + block * mebibytes + packer.flush()
        stream = pdf.make_stream(b"")
        stream.write(packed, filter=pikepdf.Name.FlateDecode)
        pdf.pages[0].obj.Contents = stream
        pdf.save(path, compress_streams=False)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def test_a_photo_comes_back_as_pages_with_their_facts(tmp_path: Path, into: Path) -> None:
    Image.new("RGB", (3000, 2000), "teal").save(tmp_path / "photo.jpg")
    made = make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into)
    assert isinstance(made, SafeCopies)
    (page,) = made.pages
    assert (page.width, page.height, page.size) == (2400, 1600, page.picture.stat().st_size)
    assert page.thumb.is_file()


def test_it_works_from_any_folder_and_without_our_environment(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FPDF().output(str(tmp_path / "one.pdf"))
    for module in ("json.py", "PIL.py", "uploads.py"):
        (tmp_path / module).write_text("raise SystemExit('a stranger was imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert isinstance(make_safe_copies(Path("one.pdf"), Kind.PDF, Path("into")), SafeCopies)
    assert len(list(into.iterdir())) == 3


def test_a_photo_of_the_largest_size_fits_into_the_room(tmp_path: Path, into: Path) -> None:
    (tmp_path / "large.png").write_bytes(black_png(10_000, 7_900))
    assert isinstance(make_safe_copies(tmp_path / "large.png", Kind.PNG, into), SafeCopies)


@pytest.mark.parametrize(
    "content",
    [black_png(10_000, 10_000), black_png(20_000, 20_000), png(2**31 - 1, 2**31 - 1, zlib.compress(b"x"))],
    ids=["100 million", "400 million", "more than there can be"],
)
def test_a_small_file_that_unpacks_to_a_huge_picture_is_too_big(content: bytes, tmp_path: Path, into: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(content)
    assert len(content) < MEBIBYTE
    assert make_safe_copies(tmp_path / "bomb.png", Kind.PNG, into) == Refused("too_big")
    assert list(into.iterdir()) == []


def test_a_truncated_photo_is_unreadable(tmp_path: Path, into: Path) -> None:
    Image.effect_noise((600, 400), 90).save(tmp_path / "cut.jpg")
    os.truncate(tmp_path / "cut.jpg", 20_000)
    assert make_safe_copies(tmp_path / "cut.jpg", Kind.JPEG, into) == Refused("unreadable")


def test_a_pdf_of_twenty_thousand_pages_is_refused_before_one_is_drawn(tmp_path: Path, into: Path) -> None:
    blank_pdf(tmp_path / "long.pdf", pages=20_000)
    assert make_safe_copies(tmp_path / "long.pdf", Kind.PDF, into, seconds=5) == Refused("too_many_pages")


@pytest.mark.parametrize("box", [(14_400, 14_400), (2_000_000, 2_000_000), (2_000_000, 3), (1, 1)])
def test_a_pdf_with_a_gigantic_page_is_drawn_no_larger_than_a_page_may_be(
    box: tuple[float, float], tmp_path: Path, into: Path
) -> None:
    blank_pdf(tmp_path / "wide.pdf", box=box)
    made = make_safe_copies(tmp_path / "wide.pdf", Kind.PDF, into)
    assert isinstance(made, SafeCopies)
    assert max(made.pages[0].width, made.pages[0].height) <= 2400


def test_forms_within_forms_end_at_a_limit(tmp_path: Path, into: Path) -> None:
    nested_pdf(tmp_path / "nested.pdf")
    assert make_safe_copies(tmp_path / "nested.pdf", Kind.PDF, into, seconds=2) == Refused("crashed")


def test_instructions_that_unpack_to_a_gibibyte_end_at_a_limit(tmp_path: Path, into: Path) -> None:
    content_bomb(tmp_path / "bomb.pdf")
    assert (tmp_path / "bomb.pdf").stat().st_size < 4 * MEBIBYTE
    assert make_safe_copies(tmp_path / "bomb.pdf", Kind.PDF, into, seconds=10) == Refused("crashed")


def test_a_pdf_with_a_password_is_locked(tmp_path: Path, into: Path) -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(user="himitsu", owner="x"))
    assert make_safe_copies(tmp_path / "locked.pdf", Kind.PDF, into) == Refused("locked")


def test_too_little_memory_is_a_refusal(tmp_path: Path, into: Path) -> None:
    Image.new("RGB", (3000, 2000)).save(tmp_path / "photo.jpg")
    made = make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into, memory=24 * MEBIBYTE)
    assert made in (Refused("too_big"), Refused("crashed"))


def test_a_file_that_is_not_there_is_our_fault_and_no_refusal(tmp_path: Path, into: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
    with pytest.raises(FileNotFoundError):
        make_safe_copies(tmp_path / "other.jpg", Kind.JPEG, into)
    with pytest.raises(FileNotFoundError):
        make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, tmp_path / "nowhere")


@pytest.fixture(scope="module")
def hostile() -> Iterator[Keeper]:
    keeper = Keeper(HOSTILE)
    yield keeper
    keeper.close()


def tried(keeper: Keeper, attempt: str, *, seconds: int = 10, memory: int = 512 * MEBIBYTE) -> tuple[Done, str]:
    """Let a child of a real room try something. Returns how it ended and what it said."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out:
        done = keeper.draw(source.fileno(), out.fileno(), attempt, seconds=seconds, memory=memory)
        out.seek(0)
        return done, out.read(1000)[4:].decode()


def still_works(keeper: Keeper) -> bool:
    """The next file, in the same room."""
    photo = io.BytesIO()
    Image.new("RGB", (30, 20)).save(photo, "JPEG")
    with tempfile.TemporaryDirectory() as folder:
        source, into = Path(folder) / "photo", Path(folder) / "into"
        source.write_bytes(photo.getvalue())
        into.mkdir()
        return isinstance(make_safe_copies(source, Kind.JPEG, into, keeper=keeper), SafeCopies)


@pytest.mark.parametrize(
    "attempt",
    [
        "connect",
        "name_server",
        "local_socket",
        "read_passwd",
        "write_file",
        "remove_file",
        "fork",
        "run_program",
        "start_program",
        "kill_keeper",
        "kill_group",
        "trace_keeper",
        "own_session",
        "raise_limits",
        "runnable_memory",
        "outlive_keeper",
        "open_many",
        "read_in_thread",
    ],
)
def test_what_took_over_a_decoder_can_do_nothing_with_it(attempt: str, hostile: Keeper) -> None:
    done, said = tried(hostile, attempt)
    assert done.well
    assert said.startswith(("PermissionError", "OSError [Errno 1]", "ValueError")), said
    assert still_works(hostile)


def test_it_finds_no_environment_and_nothing_open_but_its_file_and_its_answer(hostile: Keeper) -> None:
    _, said = tried(hostile, "environment")
    environment_and_descriptors = json.loads(said.removeprefix("PermissionError "))
    assert environment_and_descriptors[0] == "LC_ALL"
    assert environment_and_descriptors[1:4] == ["0", "1", "2"]
    assert len(environment_and_descriptors) == 7  # and source, answer, and the pipe that tells when it ends


def test_a_decoder_may_start_a_thread(hostile: Keeper) -> None:
    assert tried(hostile, "start_thread")[1] == "done"


@pytest.mark.parametrize("attempt", ["spin", "sleep", "crash", "give_up", "flood"])
def test_what_never_ends_or_ends_badly_costs_one_file(attempt: str, hostile: Keeper) -> None:
    assert not tried(hostile, attempt, seconds=1)[0].well
    assert still_works(hostile)


def test_what_claims_to_be_done_and_does_not_end_is_not_believed(hostile: Keeper, tmp_path: Path, into: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
    made = make_safe_copies(tmp_path / "photo.jpg", Kind.PNG, into, seconds=1, keeper=hostile)
    assert made == Refused("crashed")
    assert still_works(hostile)


def test_what_is_changed_after_the_claim_is_refused_or_changes_nothing(
    hostile: Keeper, tmp_path: Path, into: Path
) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
    made = make_safe_copies(tmp_path / "photo.jpg", Kind.WEBP, into, seconds=5, keeper=hostile)
    if isinstance(made, SafeCopies):
        assert [sha256(page.picture.read_bytes()).hexdigest() for page in made.pages] == [made.pages[0].sha256]
    else:
        assert made == Refused("crashed")
    assert still_works(hostile)


def test_a_disk_that_cannot_be_written_is_our_fault_and_the_next_file_comes_through(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper()
    try:
        pid = pid_of(keeper)
        Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
        with monkeypatch.context() as full:
            full.setattr(Path, "write_bytes", no_room)
            with pytest.raises(OSError, match="No space"):
                make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into, keeper=keeper)
        assert still_works(keeper)
        assert pid_of(keeper) == pid
    finally:
        keeper.close()


def no_room(_path: Path, _content: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_memory_ends_at_its_limit(hostile: Keeper) -> None:
    done, said = tried(hostile, "eat_memory")
    assert said == "MemoryError"
    assert 0 < done.memory <= 512 * MEBIBYTE


def test_output_ends_at_its_limit(hostile: Keeper, tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out:
        hostile.draw(source.fileno(), out.fileno(), "flood", seconds=20, memory=512 * MEBIBYTE)
        assert os.fstat(out.fileno()).st_size == 128 * MEBIBYTE


def test_each_file_meets_every_lock_this_kernel_has() -> None:
    layers = locked_room.layers()
    assert layers["limits"] == "ok"
    assert layers["network"] == "namespace+filter"
    assert layers["files"].startswith("landlock")
    assert layers["calls"] == "seccomp"


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        (["network"], {"network": "filter", "calls": "seccomp"}),
        (["files"], {"files": "filter", "calls": "seccomp"}),
        (["calls"], {"calls": "none", "network": "namespace"}),
        (["broken"], {"calls": "none", "network": "namespace"}),
        (["network", "files", "calls"], {"limits": "ok", "network": "none", "files": "none", "calls": "none"}),
    ],
)
def test_where_the_kernel_gives_less_it_is_said_and_the_work_goes_on(
    missing: list[str], left: dict[str, str], tmp_path: Path, into: Path
) -> None:
    keeper = Keeper(HOSTILE, *missing)
    try:
        with structlog.testing.capture_logs() as lines:
            assert still_works(keeper)
            assert still_works(keeper)
        assert left.items() <= keeper.layers().items()
        degraded = "none" in keeper.layers().values()
        told = [(line["event"], line["log_level"]) for line in lines]
        assert told == ([("room.degraded", "warning")] if degraded else [("room.opened", "info")])
        if degraded:
            Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
            with pytest.raises(RoomIncomplete):
                make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into, required=True, keeper=keeper)
            assert list(into.iterdir()) == []
    finally:
        keeper.close()


def test_without_the_filter_the_network_and_the_files_are_still_out_of_reach() -> None:
    keeper = Keeper(HOSTILE, "calls")
    try:
        assert tried(keeper, "connect")[1].startswith(("PermissionError", "OSError [Errno 101]"))
        assert tried(keeper, "name_server")[1].startswith("OSError [Errno 101]")  # a network with nothing in it
        assert tried(keeper, "read_passwd")[1].startswith("PermissionError")
        assert tried(keeper, "write_file")[1].startswith("PermissionError")
        assert not tried(keeper, "sleep", seconds=1)[0].well
        assert still_works(keeper)
    finally:
        keeper.close()


def test_a_whole_room_opens_files_where_every_lock_is_required(tmp_path: Path, into: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
    assert isinstance(make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into, required=True), SafeCopies)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pid_of(keeper: Keeper) -> int:
    keeper.layers()
    assert keeper._process is not None
    return keeper._process.pid


def test_a_keeper_that_was_killed_is_started_again() -> None:
    keeper = Keeper()
    try:
        first = pid_of(keeper)
        os.kill(first, signal.SIGKILL)
        assert gone_within(first, 5)
        assert still_works(keeper)
        assert pid_of(keeper) != first
    finally:
        keeper.close()


def waiting_child(keeper: Keeper) -> int:
    """The child that waits for the next file."""
    pid, deadline = pid_of(keeper), time.monotonic() + 5
    while not (children := children_of(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return children[0]


def test_a_child_waits_for_each_file_and_never_does_a_second_one() -> None:
    keeper = Keeper()
    try:
        first = waiting_child(keeper)
        assert still_works(keeper)
        assert gone_within(first, 5)
        second = waiting_child(keeper)
        assert second != first
        assert still_works(keeper)
        assert gone_within(second, 5)
    finally:
        keeper.close()


def test_a_waiting_child_that_was_killed_costs_no_file() -> None:
    keeper = Keeper()
    try:
        waiting = waiting_child(keeper)
        os.kill(waiting, signal.SIGKILL)
        assert still_works(keeper)
    finally:
        keeper.close()


def test_a_waiting_child_ends_with_its_keeper() -> None:
    keeper = Keeper()
    waiting = waiting_child(keeper)
    keeper.close()
    assert gone_within(waiting, 5)


def test_a_keeper_killed_over_a_file_takes_its_child_along_and_is_no_fault_of_the_file() -> None:
    keeper = Keeper(HOSTILE)
    try:
        pid = pid_of(keeper)
        with ThreadPoolExecutor(1) as other:
            sleeping = other.submit(tried, keeper, "sleep", seconds=60)
            deadline = time.monotonic() + 5
            while not (children := children_of(pid)):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(RoomClosed):
                sleeping.result()
        assert gone_within(children[0], 5)
        assert still_works(keeper)
    finally:
        keeper.close()


def test_keeper_and_child_end_with_the_process_that_started_them() -> None:
    program = f"""
import pathlib, sys
sys.path.insert(0, {str(HOSTILE.parents[2])!r})
from uploads.locked_room import Keeper
keeper = Keeper(pathlib.Path({str(HOSTILE)!r}))
keeper.layers()
print(keeper._process.pid, flush=True)
null = open("/dev/null", "r+b")
keeper.draw(null.fileno(), null.fileno(), "sleep", seconds=60, memory=1 << 30)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        lines = iter(worker.stdout.readline, "")
        pid = next(int(line) for line in lines if line.strip().isdigit())
        deadline = time.monotonic() + 5
        while not (children := children_of(pid)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        worker.kill()
        worker.wait()
    assert gone_within(pid, 5)
    assert gone_within(children[0], 5)


def test_a_thread_that_ended_does_not_take_the_keeper_along() -> None:
    keeper = Keeper()
    try:
        first = threading.Thread(target=keeper.layers)
        first.start()
        first.join()
        pid = pid_of(keeper)
        with ThreadPoolExecutor(3) as several:
            assert list(several.map(still_works, [keeper] * 6)) == [True] * 6
        assert pid_of(keeper) == pid
    finally:
        keeper.close()


def test_a_keeper_that_cannot_start_is_our_fault(tmp_path: Path) -> None:
    (tmp_path / "no_keeper.py").write_text("raise SystemExit(3)")
    with pytest.raises(RoomClosed):
        Keeper(tmp_path / "no_keeper.py").layers()


def jpeg_of_noise() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 48), 90).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def saved(encoder: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((40, 30), 90).convert("RGB").save(out, encoder)
    return out.getvalue()


REAL = {
    Kind.JPEG: jpeg_of_noise(),
    Kind.PNG: saved("PNG"),
    Kind.WEBP: saved("WEBP"),
    Kind.AVIF: saved("AVIF"),
    Kind.TIFF: saved("TIFF"),
    Kind.HEIC: Path(__file__).with_name("samples").joinpath("turned.heic").read_bytes(),
    Kind.PDF: papers.pdf(),
}


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(REAL)), st.data())
def test_real_files_with_bytes_changed_end_as_copies_or_a_refusal(kind: Kind, data: st.DataObject) -> None:
    content = bytearray(REAL[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        content = content or bytearray(b"\0")
    with tempfile.TemporaryDirectory() as folder:
        source, into = Path(folder) / "source", Path(folder) / "into"
        source.write_bytes(content)
        into.mkdir()
        made = make_safe_copies(source, kind, into, seconds=10)
        assert isinstance(made, (SafeCopies, Refused))
        if isinstance(made, SafeCopies):
            with pikepdf.open(made.pdf) as pdf:
                assert len(pdf.pages) == len(made.pages)
