print("tried")
for size in (1 << 40, 300 << 20):
    try:
        with open("huge", "wb") as file:
            file.truncate(size)
        print("LANDED: a file of", size)
    except OSError:
        pass
