"""A sample that can be drawn again, with each language in its share."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Mapping, Sequence


def draw(population: Mapping[str, Sequence[uuid.UUID]], size: int, seed: int) -> list[uuid.UUID]:
    """A sample by language, each with its share and at least one where there is room; the same for the same
    seed and record, however the record was read.
    """
    chance = random.Random(seed)  # noqa: S311  for a draw that can be repeated, not for secrets
    total = sum(len(ids) for ids in population.values())
    size = min(size, total)
    if size == 0:
        return []
    languages = sorted(population, key=lambda code: (-len(population[code]), code))
    exact = {code: size * len(population[code]) / total for code in languages}
    shares = {code: math.floor(exact[code]) for code in languages}
    for code in languages:  # a language of few is heard too, the larger ones first
        if shares[code] == 0 and sum(shares.values()) < size:
            shares[code] = 1
    by_remainder = sorted(languages, key=lambda code: (math.floor(exact[code]) - exact[code], code))
    while sum(shares.values()) < size:
        for code in by_remainder:
            if sum(shares.values()) < size and shares[code] < len(population[code]):
                shares[code] += 1
    drawn: list[uuid.UUID] = []
    for code in sorted(languages):
        drawn += chance.sample(sorted(population[code]), shares[code])
    chance.shuffle(drawn)
    return drawn
