"""Kinds of mail to people outside; the feature that sends one registers it when it starts. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aethercrown.registry import Registry
from operations.messaging.outside.merge_fields import problems


class MailPurpose(StrEnum):
    """Why somebody outside is written to; each has its own sending rule."""

    SERVICE = "service"  # what was agreed: invoices, access, incidents
    REMINDER = "reminder"  # something waits for the recipient
    MARKETING = "marketing"  # needs consent, and has a link to unsubscribe


@dataclass(frozen=True, slots=True)
class MailAttachment:
    file_name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class MailKind:
    """A kind of mail with its fields (name: meaning) and its text while staff publish no other.

    All functions get the message's key when it is about to be sent: `unwanted` says why it must
    not go out any more ("" where it may), `attach` gives the file that goes with it, and `closing`
    what stands below the text and is never stored, such as a link that lets somebody in.
    """

    name: str
    title: str
    purpose: MailPurpose
    fields: Mapping[str, str]
    subject: str
    text: str
    unwanted: Callable[[str], str] = lambda _key: ""
    attach: Callable[[str], MailAttachment | None] = lambda _key: None
    closing: Callable[[str], str] = lambda _key: ""

    def __post_init__(self) -> None:
        if wrong := problems(f"{self.subject}\n{self.text}", self.fields):
            raise ValueError(f"{self.name}: {' '.join(wrong)}")


@dataclass(frozen=True, slots=True)
class OutsideMail:
    """A mail before it is a row: `key` names its event, `person` whom it is to, as "contact 12"."""

    key: str
    kind: str
    address: str
    recipient_name: str
    values: Mapping[str, str] = field(default_factory=dict)
    person: str = ""
    locale: str = ""
    time_zone: str = "UTC"


mail_kinds = Registry[MailKind]("kind of mail")


def locale_chain(locale: str) -> list[str]:
    """The locales whose text may be used, the best first: "de-AT", "de", ""."""
    parts = locale.lower().replace("_", "-").split("-")
    found = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [*(each for each in found if each), ""]
