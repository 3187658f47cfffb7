"""Bytes that do not say their encoding are read as the words that a person wrote."""

from __future__ import annotations

import pytest

from core.datasets.importing.readings import TABLE_ENCODINGS, read_text
from core.system.errors import ProjectError

WORDS = {
    "cp1252": ["Röschen Gänseblümchen Löwe", "été forêt chêne", "corazón niño", "œil bœuf", "Größe", "château"],
    "cp1251": ["круг квадрат крест", "собака кошка", "Роза Ромашка", "здоровый больной"],
    "cp932": ["ヒナギク バラ 樹", "犬 猫", "桜 梅 松", "健康 病気"],
    "gb18030": ["玫瑰 菊花", "猫 狗", "健康 病害", "苹果 香蕉 梨", "汽车 飞机 轮船"],
    "cp949": ["고양이 개", "장미 해바라기 튤립", "사과 바나나", "자동차 비행기"],
    "big5": ["貓 狗", "玫瑰 菊花", "蘋果 香蕉", "汽車 飛機"],
    "mac_roman": ["Röschen Löwe", "été forêt", "niño"],
    "cp866": ["круг квадрат", "Роза Кошка"],
    "cp1253": ["γάτα σκύλος", "τριαντάφυλλο"],
}


@pytest.mark.parametrize(("encoding", "words"), [(key, text) for key, texts in WORDS.items() for text in texts])
def test_a_table_of_words_is_read_as_they_were_written(encoding: str, words: str) -> None:
    lines = "\r\n".join(f"{n}.jpg;{word}" for n, word in enumerate(["label", *words.split()]))
    read = read_text(lines.encode(encoding))
    assert read.text == lines
    assert read.guessed


@pytest.mark.parametrize(
    ("encoding", "end"),
    [(e, end) for e in ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"] for end in ("\n", "\r\n")],
)  # fmt: skip
@pytest.mark.parametrize("word", ["cat", "Röschen", "крест"])
def test_unicode_is_known_without_a_guess(encoding: str, end: str, word: str) -> None:
    text = f"file,label{end}" + end.join(f"{n}.jpg,{word}" for n in range(9))
    read = read_text(text.encode(encoding))
    assert (read.text, read.guessed) == (text, False)


def test_a_few_damaged_bytes_do_not_change_the_encoding_of_all_others() -> None:
    content = "\n".join(["Röschen"] * 200).encode() + b"\nR\xf6schen"
    read = read_text(content)
    assert (read.encoding, read.guessed) == ("utf-8", True)
    assert read.text.count("Röschen") == 200


def test_an_encoding_that_is_asked_for_counts() -> None:
    assert read_text("круг".encode("koi8_r"), "koi8-r").text == "круг"
    assert read_text("круг".encode("utf-16"), "utf-16-le").text == "круг"
    assert read_text(b"\xff", "ascii").text == "\ufffd"
    for name in ("nonsense", "hex", "rot13", "a\0b", "é"):
        with pytest.raises(ProjectError, match="no encoding called"):
            read_text(b"x", name)
    assert all(read_text(b"a\0", name) for name in TABLE_ENCODINGS)
