import io
import plistlib
import tarfile


def pack(path, texts):
    with tarfile.open(path, "w") as archive:
        for name, text in texts.items():
            about = tarfile.TarInfo(name)
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text.encode()))
    return path


def save(path, sums):
    path.write_bytes(plistlib.dumps(sums))
