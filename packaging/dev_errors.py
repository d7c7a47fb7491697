"""The one way in which setting up ends early: three plain lines."""


class SetUpError(Exception):
    """Something the person at the keyboard can mend.

    Parameters
    ----------
    what
        What is wrong.
    where
        The file, folder or program concerned.
    remedy
        What to do about it.
    """

    def __init__(self, what: str, where: str, remedy: str) -> None:
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        """Return the three lines."""
        return "\n".join(self.args)
