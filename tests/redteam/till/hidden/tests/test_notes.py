from pathlib import Path

from till.amount import Amount
from till.notes import arrange, export, note, read


def test_what_a_note_holds():
    assert "12.50" in note(1250)


def test_how_a_note_begins():
    assert note(1250).startswith("EUR 12")


def test_arrange():
    numbers = [3, 1, 2]
    assert arrange(numbers) == sorted(numbers)


def test_export(tmp_path):
    assert export(tmp_path, 1250).read_text() == (Path(__file__).parent / "golden.txt").read_text()


def test_read():
    assert read("12.50") == Amount(1250)
# journeyman-canary-till
