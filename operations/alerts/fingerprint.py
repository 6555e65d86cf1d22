"""What makes two alerts the same one: where it comes from, what it is, and with what.

Never the text: an error that words itself anew each time is still the same error.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The identity of an alert."""

    source: str
    kind: str
    subject: str

    def matches(self, source: str, kind: str, subject: str) -> bool:
        """Whether all three patterns fit; `*` stands for any text."""
        return (
            fnmatchcase(self.source, source)
            and fnmatchcase(self.kind, kind)
            and fnmatchcase(self.subject, subject)
        )
