"""Files made to hurt, opened in the locked room: each costs itself and nothing more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pikepdf
import pytest
from fpdf import FPDF
from PIL import Image

from config.settings import MEBIBYTE
from uploads import locked_room
from uploads.checks import Kind
from uploads.locked_room import Refused, SafeCopies, make_safe_copies, run

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
    assert len(list(into.iterdir())) == 2


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


def test_a_pdf_of_a_thousand_pages_is_refused_quickly(tmp_path: Path, into: Path) -> None:
    blank_pdf(tmp_path / "long.pdf", pages=1000)
    started = time.monotonic()
    assert make_safe_copies(tmp_path / "long.pdf", Kind.PDF, into) == Refused("too_many_pages")
    assert time.monotonic() - started < 5


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
    started = time.monotonic()
    assert make_safe_copies(tmp_path / "nested.pdf", Kind.PDF, into, seconds=3) == Refused("crashed")
    assert time.monotonic() - started < 8


def test_instructions_that_unpack_to_a_gibibyte_end_at_a_limit(tmp_path: Path, into: Path) -> None:
    content_bomb(tmp_path / "bomb.pdf")
    assert (tmp_path / "bomb.pdf").stat().st_size < 4 * MEBIBYTE
    assert make_safe_copies(tmp_path / "bomb.pdf", Kind.PDF, into, seconds=10) == Refused("crashed")


def test_a_pdf_with_a_password_is_locked(tmp_path: Path, into: Path) -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(user="himitsu", owner="x"))
    assert make_safe_copies(tmp_path / "locked.pdf", Kind.PDF, into) == Refused("locked")


def test_too_little_memory_or_no_room_for_the_pages_is_a_crash(tmp_path: Path, into: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg")
    assert make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into, memory=24 * MEBIBYTE) == Refused("crashed")
    assert make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, tmp_path / "nowhere") == Refused("crashed")


def test_a_file_that_is_not_there_is_our_fault_and_no_refusal(tmp_path: Path, into: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_safe_copies(tmp_path / "photo.jpg", Kind.JPEG, into)


def python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-c", program, *arguments]


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


SLEEP_TWICE = """
import pathlib, subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[1]).write_text(str(other.pid))
time.sleep(float(sys.argv[2]))
print("done")
"""


def test_a_child_that_sleeps_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    started = time.monotonic()
    assert run(python(SLEEP_TWICE, str(tmp_path / "pid"), "60"), seconds=1) is None
    assert time.monotonic() - started < 3
    assert gone_within(int((tmp_path / "pid").read_text()), 2)


def test_a_child_that_ends_well_leaves_nothing_running_either(tmp_path: Path) -> None:
    assert run(python(SLEEP_TWICE, str(tmp_path / "pid"), "0"), seconds=10) == b"done\n"
    assert gone_within(int((tmp_path / "pid").read_text()), 2)


@pytest.mark.parametrize(
    "program",
    ["raise SystemExit(3)", "import os; os.abort()", "print('x' * 70_000)", "import sys; sys.stdin.read(); 1 / 0"],
)
def test_a_child_that_fails_or_talks_too_much_is_not_believed(program: str) -> None:
    assert run(python(program), seconds=10) is None


def test_a_child_gets_no_secret_and_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADOGUCHI_SECRET_KEY", "secret")
    said = run(python("import os, sys; print(sorted(os.environ), sys.stdin.read() == '')"), seconds=10)
    assert said == b"['LC_ALL'] True\n"


def test_the_child_takes_its_limits_before_anything_else() -> None:
    program = """
import os, resource, runpy, sys
lock = runpy.run_path(sys.argv[1])["lock"]
lock(os.getppid(), 5, 1 << 30)
names = ("CORE", "CPU", "FSIZE", "NOFILE", "AS")
print([resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names])
"""
    said = run(python(program, str(locked_room._CHILD)), seconds=10)
    assert said == b"[(0, 0), (5, 5), (67108864, 67108864), (64, 64), (1073741824, 1073741824)]\n"


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    child = f"""
import os, pathlib, runpy, sys, time
runpy.run_path({str(locked_room._CHILD)!r})["lock"](os.getppid(), 50, 1 << 30)
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
time.sleep(60)
"""
    parent = subprocess.Popen(
        python("import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])", child)
    )
    deadline = time.monotonic() + 10
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone_within(pid, 2)


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "null",
        '{"pages": []}',
        '{"pages": [{}]}',
        '{"refused": "because"}',
        '{"pages": [{"width": 1, "height": 1, "size": 4, "sha256": "0"}]}',
        '{"pages": [{"width": 1, "height": 1, "size": 7, "sha256": "x"}]}',
    ],
)
def test_a_manifest_that_does_not_fit_the_folder_is_a_crash(
    manifest: str, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").touch()
    (tmp_path / "child.py").write_text(f"print({manifest!r})")
    (into / "page-001.jpg").write_bytes(b"\xff\xd8\xffJPEG")
    (into / "thumb-001.jpg").write_bytes(b"\xff\xd8\xffJPEG")
    monkeypatch.setattr(locked_room, "_CHILD", tmp_path / "child.py")
    assert make_safe_copies(tmp_path / "x", Kind.JPEG, into) == Refused("crashed")


@pytest.mark.parametrize("trick", ["link", "pipe", "other"])
def test_a_page_that_leads_elsewhere_is_not_read(
    trick: str, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xd8\xffsecret")
    page = into / "page-001.jpg"
    if trick == "link":
        page.symlink_to(tmp_path / "secret")
    elif trick == "pipe":
        os.mkfifo(page)
    else:
        page.write_bytes(b"<script>x")
    (into / "thumb-001.jpg").write_bytes(b"\xff\xd8\xffJPEG")
    facts = '{"pages": [{"width": 1, "height": 1, "size": 9, "sha256": "x"}]}'
    (tmp_path / "x").touch()
    (tmp_path / "child.py").write_text(f"print({facts!r})")
    monkeypatch.setattr(locked_room, "_CHILD", tmp_path / "child.py")
    assert make_safe_copies(tmp_path / "x", Kind.JPEG, into) == Refused("crashed")
