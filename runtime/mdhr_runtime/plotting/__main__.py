"""`python -m mdhr_runtime.plotting`, which is `mdhr-plot`."""

from ..cli.plot import main

if __name__ == "__main__":
    main()
