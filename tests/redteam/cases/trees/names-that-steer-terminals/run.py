for name in ("coins/\u202eyp.yenom.py", "\x1b[2J\x1b]0;owned\x07.py", "coins/mon\u200bey.py", "e\u0301", "\u00e9", "\x7f"):
    with open(name, "w") as file:
        file.write("x")
