"""`python -m mdhr_export`, which is `mdhr-export`."""

from .cli import main

if __name__ == "__main__":
    main()
