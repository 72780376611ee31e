for name in ("a\nb.py", "coins/money.py\nremoved", "-rf", "$(touch owned)", "quote\"'.py", "tab\t.py", "back\\slash", "\r.py"):
    with open(name, "w") as file:
        file.write("x")
