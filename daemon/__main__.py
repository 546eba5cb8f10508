"""``python -m daemon`` is ``atelierd``."""

from daemon.cli import main

if __name__ == "__main__":
    main()
