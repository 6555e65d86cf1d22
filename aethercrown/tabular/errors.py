"""Why a file cannot be read as a table."""


class TableError(ValueError):
    """The file, or from `line` on its rest, cannot be read; nothing of it is used."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line
