"""`python -m mdhr_bench`, which is `mdhr-bench`."""

from .cli import main

if __name__ == "__main__":
    main()
