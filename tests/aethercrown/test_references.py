"""References in stored texts are shown with present names."""

from aethercrown.references import NamedRows, named_rows, resolved


def test_names_stand_beside_references_and_are_read_once_a_kind():
    asked = []

    def names(numbers):
        asked.append(sorted(numbers))
        return {12: "Acme"}

    named_rows.register(NamedRows("harbour", names))
    texts = ["Move harbour 12 to 7", "harbour 13, harbour 12", "berth 12", ""]
    assert resolved(texts) == [
        "Move Acme (harbour 12) to 7",
        "harbour 13, Acme (harbour 12)",
        "berth 12",
        "",
    ]
    assert asked == [[12, 13]]
