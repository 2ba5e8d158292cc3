"""`python -m mdhr_runtime`, which is `mdhr-run`."""

from .cli.run import main

if __name__ == "__main__":
    main()
