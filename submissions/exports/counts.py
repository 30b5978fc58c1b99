"""Counts that leave the desk: a small number that could point at one person is not given."""

from __future__ import annotations

from collections.abc import Mapping

SMALLEST_SHOWN = 5
SUPPRESSED = f"fewer than {SMALLEST_SHOWN}"
WITHHELD = "not shown"


def protect(counts: Mapping[str, int], *, has_total: bool = True) -> dict[str, str]:
    """Each number as text; 1 to 4 becomes "fewer than 5".

    Where a total stands beside them, one hidden number alone could be worked out, and so could several whose
    sum tells them: the smallest shown number is then hidden too ("not shown"). 0 hides nobody and stays.
    """
    made = {key: SUPPRESSED if 0 < number < SMALLEST_SHOWN else str(number) for key, number in counts.items()}
    hidden = [key for key, text in made.items() if text == SUPPRESSED]
    shown = [key for key, number in counts.items() if number >= SMALLEST_SHOWN]
    total = sum(counts[key] for key in hidden)
    tells = len(hidden) == 1 or total in (len(hidden), (SMALLEST_SHOWN - 1) * len(hidden))
    if has_total and hidden and tells and shown:
        made[min(shown, key=lambda key: (counts[key], key))] = WITHHELD
    return made
