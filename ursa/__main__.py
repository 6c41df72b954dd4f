"""`python -m ursa` is the command line."""

from ursa.cli import main

if __name__ == "__main__":
    main()
