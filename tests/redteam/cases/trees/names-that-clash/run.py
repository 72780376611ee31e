import os

os.mkdir("COINS")
for text, name in enumerate(("COINS/money.py", "coins/MONEY.PY", "coins/Money.py", "\u00fc", "u\u0308"), start=1):
    with open(name, "w") as file:
        file.write(str(text))
