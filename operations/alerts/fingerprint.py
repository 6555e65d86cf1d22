"""The identity of an alert: source, kind and subject, never its text, which may vary."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two alerts with the same three texts are the same alert."""

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
