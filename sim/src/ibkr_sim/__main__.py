"""`python -m ibkr_sim` is the command `ibkr-sim`."""

from ibkr_sim.cli.main import main

if __name__ == "__main__":
    main()
