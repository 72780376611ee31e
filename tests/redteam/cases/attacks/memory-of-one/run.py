print("tried", flush=True)
data = bytearray(1600 << 20)
for n in range(0, len(data), 4096):
    data[n] = 1
print("LANDED: had 1600 MiB")
