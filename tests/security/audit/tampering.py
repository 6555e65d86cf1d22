"""What the owner of the database can do to the audit's rows, past every model and trigger.

Each act draws what it needs from `random`, does it in plain SQL, and answers with the stream and
the numbers of which verify_audit has to name one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from django.db import connection

from aethercrown.history.tracking import tracked
from security.audit import reports, triggers
from security.audit.chain import link_hash
from security.audit.models import Anchor, AuditStream, Event
from security.audit.verify import StreamVerifier

NAMES = ("at", "event", "subject", "actor", "detail", "previous", "hash")


@dataclass(frozen=True)
class Done:
    """What was done, and where it has to be found."""

    act: str
    stream: str
    places: range

    def named_by(self, faults):
        return any(each.stream == self.stream and each.seq in self.places for each in faults)


def first_fault(stream, links, end, known=None):
    """The first fault of one stream, whose links are given in the order of their numbers."""
    verifier = StreamVerifier(stream, known or {})
    faults = (fault for each in links if (fault := verifier.check_next(each)))
    return next(faults, None) or verifier.finish(end)


def run(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def as_owner():
    """Triggers off."""
    for statement in triggers.drop_statements(connection.vendor):
        run(statement)


def one(random):
    """A random event, and how many its stream has."""
    stream = random.choice(sorted(AuditStream.objects.values_list("stream", flat=True)))
    end = AuditStream.objects.get(stream=stream).seq
    return Event.objects.get(stream=stream, seq=random.randint(1, end)), end


def at(event, end=None):
    return range(event.seq, (end or event.seq) + 1)


def other(random, event, name):
    if name == "at":
        return event.at.replace(microsecond=(event.at.microsecond + random.randint(1, 999)) % 10**6)
    old = getattr(event, name)
    place = random.randrange(len(old) + 1)
    return old[:place] + random.choice("0123456789abcdef{} é") + old[place + random.randint(0, 1) :]


def edit(random):
    event, _ = one(random)
    name = random.choice(NAMES)
    value = old = getattr(event, name)
    while value == old:
        value = other(random, event, name)
        value = value[:64] if name in {"previous", "hash"} else value
    run(f"UPDATE security_event SET {name} = %s WHERE id = %s", value, event.pk)  # noqa: S608 - our own names
    # A hash that is no more the stored one is found at its row, or where the next one follows.
    return Done(f"edit {name}", event.stream, at(event))


def edit_and_hash(random):
    event, _ = one(random)
    entry = replace(event.entry, actor=event.actor + "x")
    made = link_hash(event.previous, entry)
    run(
        "UPDATE security_event SET actor = %s, hash = %s WHERE id = %s", entry.actor, made, event.pk
    )
    return Done("edit with its hash", event.stream, at(event))


def renumber(random):
    event, end = one(random)
    seq = end + random.randint(1, 9)
    run("UPDATE security_event SET seq = %s WHERE id = %s", seq, event.pk)
    return Done("renumber", event.stream, at(event))


def move(random):
    """Into another stream."""
    event, _ = one(random)
    run("UPDATE security_event SET stream = 'elsewhere' WHERE id = %s", event.pk)
    return Done("move", event.stream, at(event))


def delete(random):
    event, end = one(random)
    last = min(end, event.seq + random.choice([0, 0, 0, 3]))
    run(
        "DELETE FROM security_event WHERE stream = %s AND seq BETWEEN %s AND %s",
        *(event.stream, event.seq, last),
    )
    return Done("delete", event.stream, at(event))


def swap(random):
    """Two rows exchange what they say, or only their numbers."""
    first, end = one(random)
    second = Event.objects.get(stream=first.stream, seq=first.seq % end + 1)
    names = random.choice([("seq",), ("at", "event", "subject", "actor", "detail", "hash")])
    if names == ("seq",):
        run("UPDATE security_event SET seq = 999999 WHERE id = %s", first.pk)
    for row, given in ((second, first), (first, second)):
        for name in names:
            sql = f"UPDATE security_event SET {name} = %s WHERE id = %s"  # noqa: S608 - our own names
            run(sql, getattr(given, name), row.pk)
    return Done("swap", first.stream, at(min(first, second, key=lambda each: each.seq)))


def insert(random):
    """Another one at the end, with or without moving the stream's end."""
    last, end = one(random)
    last = Event.objects.get(stream=last.stream, seq=end)
    event = Event(stream=last.stream, seq=end + 1, at=last.at, event="forged", subject="x")
    event.previous = last.hash if random.random() < 0.5 else "0" * 64
    event.hash = link_hash(event.previous, event.entry) if random.random() < 0.5 else "f" * 64
    event.save()
    places = range(end, end + 2)
    if event.hash == link_hash(last.hash, event.entry):  # a right one: only the end gives it away
        return Done("insert", last.stream, places)
    AuditStream.objects.filter(stream=last.stream).update(seq=end + 1, hash=event.hash)
    return Done("insert and move the end", last.stream, places)


def cut(random):
    """The newest entries, with the stream's end set back, and sometimes the anchors too."""
    event, _end = one(random)
    before = Event.objects.filter(stream=event.stream, seq=event.seq - 1).first()
    run("DELETE FROM security_event WHERE stream = %s AND seq >= %s", event.stream, event.seq)
    if before is None:
        AuditStream.objects.filter(stream=event.stream).delete()
    else:
        AuditStream.objects.filter(stream=event.stream).update(seq=before.seq, hash=before.hash)
    if random.random() < 0.5:
        run("DELETE FROM security_anchor WHERE number > %s", random.randint(0, 1))
    return Done("cut the tail", event.stream, at(event))


def write_anew(random):
    """Everything from one entry on, with right hashes and a right end."""
    event, end = one(random)
    previous = event.previous
    for each in Event.objects.filter(stream=event.stream, seq__gte=event.seq).order_by("seq"):
        entry = replace(each.entry, actor="nobody")
        made = link_hash(previous, entry)
        sql = "UPDATE security_event SET actor = %s, previous = %s, hash = %s WHERE id = %s"
        run(sql, "nobody", previous, made, each.pk)
        previous = made
    AuditStream.objects.filter(stream=event.stream).update(hash=previous)
    return Done("write anew", event.stream, range(1, end + 1))


def move_the_end(random):
    event, end = one(random)
    seq, made = random.choice([(end + 1, None), (end - 1, None), (end, "f" * 64)])
    head = AuditStream.objects.filter(stream=event.stream)
    head.update(seq=seq, **({"hash": made} if made else {}))
    return Done("move the end", event.stream, range(end - 1, end + 2))


def forge_an_anchor(random):
    rows = Anchor.objects.filter(number=random.randint(1, Anchor.objects.count()))
    if random.random() < 0.3:
        rows.delete()
    else:
        name = random.choice(["root", "ends", "previous", "mac", "kind"])
        rows.update(**{name: "0"})
    return Done("forge an anchor", reports.ANCHORS, range(1))


ACTS = (
    *(edit, edit, edit, edit_and_hash, renumber, move, delete, swap, insert, cut, write_anew),
    *(move_the_end, forge_an_anchor),
)


def rows_of_history(random):
    """A table of history that holds rows, and one of them."""
    tables = [rows for rows in tracked().values() if rows._default_manager.exists()]
    rows = random.choice(sorted(tables, key=lambda each: each._meta.db_table))
    return rows, random.choice(rows.objects.order_by("history_id"))


def place_of(row):
    """Where the chain tells of a row of history."""
    stream = f"history:{row.instance_type._meta.label_lower}"
    for event in Event.objects.filter(stream=stream):
        if json.loads(event.detail)["row"] == row.pk:
            return stream, range(event.seq, event.seq + 1)
    raise LookupError(row)


def edit_history(random):
    rows, row = rows_of_history(random)
    stream, places = place_of(row)
    name = random.choice(["history_user_id", "history_address", "history_change_reason", "name"])
    run(f"UPDATE {rows._meta.db_table} SET {name} = 'x' WHERE history_id = %s", row.pk)  # noqa: S608 - our own names
    return Done("edit history", stream, places)


def delete_history(random):
    rows, row = rows_of_history(random)
    stream, places = place_of(row)
    run(f"DELETE FROM {rows._meta.db_table} WHERE history_id = %s", row.pk)  # noqa: S608 - our own names
    return Done("delete history", stream, places)


def insert_history(random):
    rows, row = rows_of_history(random)
    stream, _ = place_of(row)
    row.pk = None
    rows.objects.bulk_create([row])
    return Done("insert history", stream, range(1, AuditStream.objects.get(stream=stream).seq + 2))


def swap_history(random):
    """Two rows exchange their numbers."""
    rows, first = rows_of_history(random)
    second = random.choice(rows.objects.exclude(pk=first.pk).order_by("history_id"))
    placed = sorted([place_of(first)[1], place_of(second)[1]], key=lambda each: each.start)
    for old, new in ((first.pk, -1), (second.pk, first.pk), (-1, second.pk)):
        sql = f"UPDATE {rows._meta.db_table} SET history_id = %s WHERE history_id = %s"  # noqa: S608 - our own names
        run(sql, new, old)
    return Done("swap history", place_of(first)[0], placed[0])


ALL = (*ACTS, edit_history, edit_history, delete_history, insert_history, swap_history)


def tamper(random: Random, acts: tuple[Callable[[Random], Done], ...] = ACTS) -> Done:
    return random.choice(acts)(random)
