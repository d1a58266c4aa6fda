"""Every sentence people read goes through the catalogues, and the catalogues know every sentence."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from config.office.services import PROJECT

WORDS = PROJECT / "config" / "translations"
TEMPLATES = sorted(path for folder in ("portal", "staff", "shared") for path in (PROJECT / folder).rglob("*.html"))
JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
# The certificate is an official document in Japanese; its preview says word for word what will be printed.
PAPER = re.compile(r'<article class="sheet.*?</article>', re.DOTALL)
# Signs between words that are the same in every catalogue, and the あ that shows how large letters are.
COMMON = re.compile(r"[あ：「」　、。・（）〜—…]")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uff01-\uff5e]")


def extract(into: Path) -> None:
    """What ``make words`` collects."""
    recipe = (PROJECT / "Makefile").read_text(encoding="utf-8")
    options = re.search(r"pybabel extract (.*?) -o ", recipe.replace("\\\n", " "), re.DOTALL)
    assert options is not None
    arguments = [option.strip('"') for option in re.findall(r'"[^"]*"|\S+', options[1])]
    arguments += ["-o", str(into), "config", "portal", "shared", "staff"]
    command = [str(Path(sys.executable).with_name("pybabel")), "extract", *arguments]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)


def sentences(path: Path) -> set[str]:
    catalogue = read_po(io.BytesIO(path.read_bytes()))
    return {str(message.id) for message in catalogue if message.id}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_japanese_stands_in_a_template_outside_the_catalogues(template: Path) -> None:
    plain = COMMON.sub("", JINJA.sub("", PAPER.sub("", template.read_text(encoding="utf-8"))))
    assert [line.strip() for line in plain.splitlines() if JAPANESE.search(line)] == []


def test_the_catalogue_knows_every_sentence_and_no_other(tmp_path: Path) -> None:
    extract(tmp_path / "now.pot")
    now = sentences(tmp_path / "now.pot")
    assert len(now) > 300
    for catalogue in (WORDS / "messages.pot", WORDS / "ja" / "LC_MESSAGES" / "messages.po"):
        assert sentences(catalogue) == now, "make words brings the catalogues up to date"


def test_a_word_changed_in_the_catalogue_is_changed_on_the_page(tmp_path: Path) -> None:
    """The way an office changes its wording: the .po file, compiled."""
    from babel.support import Translations

    source = (WORDS / "ja" / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    changed = source.replace('msgid "すぐ閉じる"\nmsgstr ""', 'msgid "すぐ閉じる"\nmsgstr "すぐに閉じる"')
    assert changed != source
    folder = tmp_path / "ja" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(changed, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("pybabel")), "compile", "-d", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    words = Translations.load(tmp_path, ["ja"])
    assert words.gettext("すぐ閉じる") == "すぐに閉じる"
    assert words.gettext("つぎへ") == "つぎへ"
