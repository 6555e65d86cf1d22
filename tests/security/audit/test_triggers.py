"""The triggers by which the database keeps the audit, put on and taken off."""

from types import SimpleNamespace

import pytest

from security.audit import triggers


class Editor:
    """Notes what a migration would have the database do."""

    def __init__(self, vendor):
        self.connection = SimpleNamespace(vendor=vendor)
        self.said = []

    def execute(self, statement):
        self.said.append(statement)


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_what_is_put_on_can_be_taken_off(vendor):
    on, off = Editor(vendor), Editor(vendor)
    triggers.install(None, on)
    triggers.remove(None, off)
    made = [words.split()[2] for words in on.said if words.startswith("CREATE TRIGGER")]
    gone = [words.split()[4] for words in off.said if words.startswith("DROP TRIGGER")]
    assert made == gone
    assert {name.partition("_kept")[0] for name in made} == set(triggers.TABLES)


def test_a_database_of_another_kind_is_left_as_it_is():
    assert [*triggers.create_statements("oracle"), *triggers.drop_statements("oracle")] == []
