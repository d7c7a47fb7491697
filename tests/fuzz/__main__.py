"""``python -m tests.fuzz``: damaged files by the thousand, opened as a user would open them.

Every case is given by its number and the seed, so that a finding can be repeated with
``--only NUMBER``. Ends with exit code 1 if a file crashed the program, hung it, took more memory
than allowed, or raised anything but an error written for the user.
"""

import argparse
import sys
import time

from tests.fuzz.run import WALL_SECONDS_PER_CASE, fuzz, say


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="repeat this one case")
    parser.add_argument(
        "--patience",
        type=float,
        default=WALL_SECONDS_PER_CASE,
        metavar="SECONDS",
        help="by the clock, after which a case counts as hung; more on a busy computer",
    )
    options = parser.parse_args()
    first, files = options.first, options.files
    if options.only is not None:
        first, files = options.only, 1
    started = time.perf_counter()
    report = fuzz(
        files,
        seed=options.seed,
        first=first,
        progress=True,
        patience_seconds=options.patience,
    )
    for outcome, count in report.outcomes.most_common(25):
        say(f"{count:7d}  {outcome}")
    say(
        f"{files} damaged files in {time.perf_counter() - started:.0f} s: "
        f"{len(report.findings)} findings; slowest {report.slowest_seconds:.2f} s, "
        f"most memory grown by one file {report.most_bytes / 1e6:.0f} MB"
    )
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
