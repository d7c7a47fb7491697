"""What a wheel is made of; all else about the project stands in pyproject.toml.

Weights, icons and the manual lie beside the packages in the source tree and inside ``desktop_app``
in a wheel, where they are in nobody's way. pyproject.toml cannot name both found packages and a
folder that becomes one.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["desktop_app*", "model*", "ui*"]),
        "desktop_app.assets",
        "desktop_app.docs",
    ],
    package_dir={"desktop_app.assets": "assets", "desktop_app.docs": "docs"},
    package_data={
        "": ["py.typed", "configs/*.toml"],
        "desktop_app.assets": ["*/*"],
        "desktop_app.docs": ["*.md", "*/*"],
    },
    include_package_data=False,
)
