"""`python -m journeyman` is `journeyman`."""

from journeyman.cli import main

if __name__ == "__main__":
    main()
