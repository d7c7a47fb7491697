"""``python -m model.synthetic --output DIR [--seed N]``: write the sample study."""

import argparse
import sys
from pathlib import Path

from model.synthetic.study import SAMPLE_SEED, write_sample_study


def main(arguments: list[str] | None = None) -> int:
    """Write a study and say where it is and how large its tumour."""
    parser = argparse.ArgumentParser(prog="python -m model.synthetic", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED, metavar="N")
    parser.add_argument(
        "--coarseness",
        type=float,
        default=1.0,
        metavar="X",
        help="2 writes a small, quick study with voxels twice as long",
    )
    options = parser.parse_args(arguments)
    try:
        study = write_sample_study(options.output, seed=options.seed, coarseness=options.coarseness)
    except FileExistsError as error:
        parser.error(f"{error}; name a new folder")
    sys.stdout.write(f"{study.dicom_folder}\n")
    for region, volume in study.region_volumes_mm3.items():
        sys.stdout.write(f"{region:4} {volume / 1000:8.2f} cm³\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
