"""Geometry of the desk's charts: pure numbers, which templates draw as SVG beside their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS_WIDTH = 720.0  # of the drawing, in its own units; the page scales it
COLUMNS_HEIGHT = 160.0


@dataclass(frozen=True)
class Column:
    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


def bar_length(value: float, largest: float) -> float:
    """Per cent of the full length, one decimal; a value above 0 is at least 0.5, so that it is seen."""
    if value <= 0 or largest <= 0:
        return 0.0
    return max(0.5, round(100 * min(value, largest) / largest, 1))


def columns(values: Sequence[tuple[str, int]]) -> list[Column]:
    """Columns side by side in COLUMNS_WIDTH × COLUMNS_HEIGHT, the highest filling the height."""
    if not values:
        return []
    largest = max(value for _, value in values)
    step = COLUMNS_WIDTH / len(values)
    made = []
    for place, (label, value) in enumerate(values):
        height = round(COLUMNS_HEIGHT * bar_length(value, largest) / 100, 2)
        made.append(
            Column(
                label,
                value,
                round(place * step + step * 0.1, 2),
                round(COLUMNS_HEIGHT - height, 2),
                round(step * 0.8, 2),
                height,
            )
        )
    return made
