"""`python -m pipeline.cli` is `migrate`."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
