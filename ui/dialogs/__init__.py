"""Dialogs: export, choice of study, errors, about."""
