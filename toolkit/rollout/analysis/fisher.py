"""Fisher's exact test, one-sided: could one side fail this much more often by chance? Pure."""

from __future__ import annotations

from math import exp, lgamma


def more_often(mine: int, of_mine: int, others: int, of_others: int) -> float:
    """The chance that at least `mine` of all failures fall on our side, if sides do not matter.

    `mine` of `of_mine` requests failed here, `others` of `of_others` there. Exact for any number
    of requests: 1 where nothing failed, and where a side was not asked.
    """
    failed, total = mine + others, of_mine + of_others
    if failed == 0 or of_mine == 0 or of_others == 0:
        return 1.0
    most = min(failed, of_mine)
    # The hypergeometric term of `mine`, then each next one from the one before it.
    term = exp(_ways(failed, mine) + _ways(total - failed, of_mine - mine) - _ways(total, of_mine))
    found = term
    for number in range(mine, most):
        term *= (failed - number) / (number + 1)
        term *= (of_mine - number) / (total - failed - of_mine + number + 1)
        found += term
        if term < found * 1e-15:
            break
    return min(found, 1.0)


def _ways(total: int, chosen: int) -> float:
    """Logarithm of the number of ways to choose."""
    return lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)
