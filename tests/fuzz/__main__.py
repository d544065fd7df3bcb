"""The soak as a program: ``make fuzz``, or ``PYTHONPATH=tests:. python -m fuzz --help``."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from .doors import DOORS
from .soak import generated, given, soak


def main() -> int:
    """Run it; the exit code is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--door", choices=[door.name for door in DOORS], action="append")
    parser.add_argument("--keep", type=Path, default=Path(".cache/fuzz"), help="what is found goes here")
    parser.add_argument("--again", type=Path, nargs="+", help="inputs of one --door to try instead")
    parser.add_argument("--only", type=int, help="the number of one input to make and try again")
    chosen = parser.parse_args()
    doors = [door for door in DOORS if not chosen.door or door.name in chosen.door]
    jobs = list(
        given(doors[0], chosen.again) if chosen.again else generated(doors, chosen.inputs, chosen.seed)
    )
    if chosen.only is not None:
        jobs = [job for job in jobs if job.number == chosen.only]
    print(f"seed {chosen.seed}", flush=True)
    summary = soak(
        jobs, chosen.keep.absolute(), processes_every=200, log=lambda line: print(line, flush=True)
    )
    print(summary)
    return 1 if summary.findings else 0


if __name__ == "__main__":
    sys.exit(main())
