"""highdicom with the tables of the standard, which it reads when a DICOM object is made."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("highdicom")
