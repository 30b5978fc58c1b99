"""How far two people agree: Cohen's kappa, worked out from what each said yes and no to.

Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
20 (1960), 37-46.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FEWEST = 5  # views; a kappa of fewer says nothing
TOO_FEW = "too few"
ONE_ANSWER = "one answer only"


@dataclass(frozen=True)
class Agreement:
    """Yes and no of two people to the same questions. `views`: about how many views."""

    views: int
    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def asked(self) -> int:
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def share(self) -> float | None:
        """How often the two said the same, 0 to 1; None when nothing was asked."""
        return (self.both + self.neither) / self.asked if self.asked else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa, -1 to 1; None where it says nothing or cannot be worked out."""
        if self.views < FEWEST or not self.asked:
            return None
        first = (self.both + self.first_only) / self.asked
        second = (self.both + self.second_only) / self.asked
        by_chance = first * second + (1 - first) * (1 - second)
        if first == second and first in (0, 1):
            return None  # both always gave the same answer: it divides by nothing
        return ((self.both + self.neither) / self.asked - by_chance) / (1 - by_chance)

    @property
    def words(self) -> str:
        """Kappa with two decimals, or why there is none."""
        if self.views < FEWEST:
            return TOO_FEW
        kappa = self.kappa
        return ONE_ANSWER if kappa is None else f"{kappa:.2f}".replace("-0.00", "0.00")


def compare(pairs: Iterable[tuple[bool, bool]], *, views: int) -> Agreement:
    """The agreement of (what the first said, what the second said) over all questions."""
    said = list(pairs)
    return Agreement(
        views=views,
        both=said.count((True, True)),
        first_only=said.count((True, False)),
        second_only=said.count((False, True)),
        neither=said.count((False, False)),
    )
