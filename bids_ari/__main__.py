"""Run with ``python -m bids_ari``."""

from bids_ari.cli import main

if __name__ == "__main__":  # a worker process that imports this module must not start a run
    raise SystemExit(main())
