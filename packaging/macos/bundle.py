"""What macOS is told of the program in its bundle's Info.plist."""

import re

IDENTIFIER = "org.gliascope.Gliascope"
# The oldest system for which the wheels of Qt 6.11 and torch are built.
OLDEST_SYSTEM = "14.0"


def info_plist(version: str) -> dict[str, object]:
    """Return the values for PyInstaller's ``BUNDLE(info_plist=...)``.

    Parameters
    ----------
    version
        As pyproject.toml has it; macOS takes its three numbers.

    Raises
    ------
    ValueError
        Where it does not begin with three numbers.
    """
    found = re.match(r"\d+\.\d+\.\d+", version)
    if found is None:
        raise ValueError(f"a version begins with three numbers, unlike {version!r}")
    return {
        "CFBundleDisplayName": "Gliascope",
        "CFBundleShortVersionString": found[0],
        "CFBundleVersion": found[0],
        "LSMinimumSystemVersion": OLDEST_SYSTEM,
        "LSApplicationCategoryType": "public.app-category.medical",
        "NSHighResolutionCapable": True,
        # The window has a theme of its own for dark surroundings.
        "NSRequiresAquaSystemAppearance": False,
        "NSHumanReadableCopyright": "Apache License 2.0. For research use. Not a medical device.",
        "CFBundleDocumentTypes": [_folders(), _dicom_files()],
        "UTImportedTypeDeclarations": [_dicom_type()],
    }


def _folders() -> dict[str, object]:
    # Alternate: offered under "Open With", never the default.
    return {
        "CFBundleTypeName": "Folder with a study",
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": ["public.folder"],
    }


def _dicom_files() -> dict[str, object]:
    return {
        "CFBundleTypeName": "DICOM image",
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": ["org.nema.dicom"],
    }


def _dicom_type() -> dict[str, object]:
    return {
        "UTTypeIdentifier": "org.nema.dicom",
        "UTTypeDescription": "DICOM image",
        "UTTypeConformsTo": ["public.data", "public.image"],
        "UTTypeTagSpecification": {
            "public.filename-extension": ["dcm"],
            "public.mime-type": ["application/dicom"],
        },
    }
