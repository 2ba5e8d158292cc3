"""`python -m mdhr_train`, which `torchrun` needs."""

from .cli import main

if __name__ == "__main__":
    main()
