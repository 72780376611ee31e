import threading
import time

count = 0
try:
    while count < 5000:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        count += 1
except RuntimeError:
    pass
print("tried", "LANDED: 5000 threads" if count >= 5000 else "")
