"""What the checks of this folder say of a fact that is not what it should be."""


class MismatchError(Exception):
    """A fact that is not what it should be: what, expected, found."""

    def __init__(self, what: str, expected: object, found: object) -> None:
        """Word the message."""
        super().__init__(f"{what}: expected {expected}, found {found}")


def expect(what: str, expected: object, found: object) -> None:
    """Require two facts to be equal."""
    if expected != found:
        raise MismatchError(what, expected, found)
