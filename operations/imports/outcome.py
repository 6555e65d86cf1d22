"""What a check of a file found, as a job stores it and a page shows it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from aethercrown.csv.reader import RowError
from aethercrown.tabular.layout import Header
from aethercrown.tabular.presets import presets
from aethercrown.tabular.recognise import Layout, Question
from operations.imports.registry import Findings


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """`layout` is None where there is no table; `is_read` is False where questions are open."""

    layout: Layout | None
    findings: Findings
    is_read: bool

    @property
    def is_storable(self) -> bool:
        return self.is_read and not self.findings.fault_count

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; without the new names, which may be many and no page shows."""
        return {
            "layout": _layout_to_dict(self.layout) if self.layout else None,
            "findings": asdict(replace(self.findings, new_names=[])),
            "is_read": self.is_read,
        }


def from_dict(stored: Mapping[str, Any]) -> CheckOutcome:
    """The reverse of `to_dict`."""
    layout, findings = stored["layout"], stored["findings"]
    tuples = {
        "faults": [RowError(*each) for each in findings["faults"]],
        "header": tuple(findings["header"]),
        "lines": [tuple(each) for each in findings["lines"]],
    }
    return CheckOutcome(
        _layout_from(layout) if layout else None,
        Findings(**{**findings, **tuples}),
        stored["is_read"],
    )


def _layout_to_dict(layout: Layout) -> dict[str, Any]:
    return {
        **asdict(replace(layout, preset=None)),
        "preset": layout.preset.name if layout.preset else "",
        "zero": sorted(layout.zero),
    }


def _layout_from(stored: Mapping[str, Any]) -> Layout:
    header = stored["header"]
    return Layout(
        **{
            **stored,
            "header": Header(header["line"], tuple(header["names"]), tuple(header["titles"])),
            "preset": presets.get(stored["preset"]) if stored["preset"] in presets else None,
            "questions": [Question(**each) for each in stored["questions"]],
            "zero": frozenset(stored["zero"]),
            "many": {
                name: [tuple(each) for each in places] for name, places in stored["many"].items()
            },
        }
    )
