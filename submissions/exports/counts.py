"""Counts that leave the desk: a small number that could point at one person is not given."""

from __future__ import annotations

from collections.abc import Mapping

SMALLEST_SHOWN = 5
SUPPRESSED = f"fewer than {SMALLEST_SHOWN}"
WITHHELD = "not shown"


def protect(counts: Mapping[str, int], *, has_total: bool = True) -> dict[str, str]:
    """Each number as text; 1 to 4 becomes "fewer than 5".

    Where a total stands beside them, the hidden ones could be worked out: then the smallest shown numbers are
    hidden too ("not shown"), until two values are possible for each. 0 hides nobody and stays.
    """
    hidden, withheld = _hide(counts, has_total=has_total)
    return {
        key: SUPPRESSED if key in hidden else WITHHELD if key in withheld else str(number)
        for key, number in counts.items()
    }


def protect_total(counts: Mapping[str, int]) -> str:
    """The sum that may stand beside `protect(counts)`: "not shown" where it would tell a hidden number."""
    hidden, withheld = _hide(counts, has_total=True)
    return WITHHELD if _tells(counts, hidden, withheld) else str(sum(counts.values()))


def _hide(counts: Mapping[str, int], *, has_total: bool) -> tuple[set[str], set[str]]:
    hidden = {key for key, number in counts.items() if 0 < number < SMALLEST_SHOWN}
    withheld: set[str] = set()
    shown = sorted(
        (key for key, number in counts.items() if number >= SMALLEST_SHOWN),
        key=lambda key: (counts[key], key),
    )
    while has_total and shown and _tells(counts, hidden, withheld):
        withheld.add(shown.pop(0))
    return hidden, withheld


def _tells(counts: Mapping[str, int], hidden: set[str], withheld: set[str]) -> bool:
    """Whether the total leaves one value only for a hidden number, to somebody who knows how we hide.

    They know that a hidden number is 1 to 4 and a withheld one at least 5 and at most the smallest shown.
    """
    if not hidden:
        return False
    rest = sum(counts[key] for key in hidden | withheld)
    shown = [number for key, number in counts.items() if number >= SMALLEST_SHOWN and key not in withheld]
    most = min(shown, default=rest)
    others = len(hidden) - 1
    lowest = max(1, rest - others * (SMALLEST_SHOWN - 1) - len(withheld) * most)
    highest = min(SMALLEST_SHOWN - 1, rest - others - len(withheld) * SMALLEST_SHOWN)
    return lowest >= highest
