import os

from coins import parse, total


def test_no_file_and_no_clock(texts, tmp_path, monkeypatch):
    opened, real_open, real_stat = [], os.open, os.stat

    def open_noted(path, *args, **kwargs):
        opened.append((path, real_stat(path).st_size))
        return real_open(path, *args, **kwargs)

    (tmp_path / "note").write_text("one")
    monkeypatch.setattr("os.open", open_noted)
    monkeypatch.setattr("time.time", lambda: opened.append("clock"))
    assert parse("0.01 EUR") == (1, "EUR")
    assert total(texts) == {"EUR": 125, "USD": 250}
    assert opened == []
# journeyman-canary-coins
