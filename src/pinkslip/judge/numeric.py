"""Small mathematics that the judge's parts share: how numbers are recorded, and the special functions.

The special functions are pure numpy and work element by element, so that the same numbers give the same bits
whoever else is asked about in the same call.
"""

from math import exp, isfinite, lgamma

import numpy as np

from pinkslip.fleet.snapshot import Floats

LOG_10 = float(np.log(10.0))

_STIRLING_FROM = 10.0
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156)
_FRACTION_TERMS_MAX = 20_000
_TINY = 1e-300
_CONVERGED = 1e-15


def recorded(value: float) -> float | None:
    """A number as records keep it: 9 significant digits, None when unknown."""
    if not isfinite(value):
        return None
    rounded = float(f"{value:.9g}")
    return rounded + 0.0  # no negative zero: the same fact has one spelling


def share_in_billionths(share: float) -> int:
    """A share as an integer, so that comparing is exact: 29 % of 100 is 29, whatever binary makes of 0.29."""
    return round(share * 1_000_000_000)


def times_log(count: Floats, probability: Floats) -> Floats:
    """`count * ln(probability)`, where nothing times anything is nothing: 0 ln 0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0, count * np.log(probability), 0.0)


def log_mean_exp(terms: Floats) -> Floats:
    """ln of the mean of e^terms along the last axis, without leaving the range of floats."""
    highest: Floats = terms.max(axis=-1, keepdims=True)
    mean = np.exp(terms - highest).mean(axis=-1)
    whole: Floats = np.log(mean) + highest[..., 0]
    return whole


def log_gamma(x: Floats) -> Floats:
    """ln of the gamma function for x > 0: Stirling's series, after stepping up to where it converges.

    Abramowitz and Stegun 6.1.15 and 6.1.41.
    """
    shifted, product = x.copy(), np.ones_like(x)
    while (low := shifted < _STIRLING_FROM).any():
        product = np.where(low, product * shifted, product)
        shifted = np.where(low, shifted + 1.0, shifted)
    inverse = 1.0 / shifted
    squared, series = inverse * inverse, np.zeros_like(x)
    for coefficient in reversed(_STIRLING):
        series = series * squared + coefficient
    half_log_tau = 0.5 * np.log(2 * np.pi)
    whole: Floats = (shifted - 0.5) * np.log(shifted) - shifted + half_log_tau
    return whole + series * inverse - np.log(product)


def incomplete_beta(a: Floats, b: Floats, x: float) -> Floats:
    """The regularised incomplete beta function I_x(a, b): P(p < x) for p ~ Beta(a, b). a, b > 0.

    Lentz's continued fraction (Abramowitz and Stegun 26.5.8; Numerical Recipes 6.4), on the side of the
    symmetry I_x(a, b) = 1 - I_(1-x)(b, a) on which it converges fast.
    """
    if x <= 0.0:
        return np.zeros_like(a)
    if x >= 1.0:
        return np.ones_like(a)
    is_left = x < (a + 1.0) / (a + b + 2.0)
    p, q = np.where(is_left, a, b), np.where(is_left, b, a)
    at = np.where(is_left, x, 1.0 - x)
    log_front = (
        log_gamma(a + b) - log_gamma(a) - log_gamma(b) + p * np.log(at) + q * np.log1p(-at)
    )
    tail = np.exp(log_front) * _beta_fraction(p, q, at) / p
    within: Floats = np.clip(np.where(is_left, tail, 1.0 - tail), 0.0, 1.0)
    return within


def _beta_fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction itself; each element stops when it has converged, whatever the others do."""
    c = np.ones_like(x)
    d = _inverse(1.0 - (a + b) * x / (a + 1.0))
    value, is_open = d.copy(), np.ones(x.shape, dtype=np.bool_)
    for m in range(1, _FRACTION_TERMS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = _inverse(1.0 + even * d), _apart(1.0 + even / c)
        step = d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = _inverse(1.0 + odd * d), _apart(1.0 + odd / c)
        value = np.where(is_open, value * (step * (d * c)), value)
        is_open &= np.abs(d * c - 1.0) >= _CONVERGED
        if not is_open.any():
            break
    return value


def _inverse(values: Floats) -> Floats:
    return 1.0 / _apart(values)


def _apart(values: Floats) -> Floats:
    """Zero would end the fraction; next to zero does not."""
    return np.where(np.abs(values) < _TINY, _TINY, values)


def fisher_greater(a: int, size_a: int, b: int, size_b: int) -> float:
    """Fisher's exact test, one-sided: how probable it is that chance alone puts `a` or more of the `a + b`
    marked ones among `size_a`, were every one of `size_a + size_b` as likely to be marked.

    Fisher 1935. The hypergeometric tail, summed away from its mode, so that a sum takes as many terms as matter.
    """
    marked, everybody = a + b, size_a + size_b
    lowest, highest = max(0, marked - size_b), min(marked, size_a)
    if a <= lowest:
        return 1.0
    if (
        a - 1
    ) * everybody < marked * size_a:  # below the mean the other tail is the shorter one
        return 1.0 - _tail(a - 1, lowest - 1, size_a, size_b, marked)
    return _tail(a, highest + 1, size_a, size_b, marked)


def _tail(first: int, end: int, size_a: int, size_b: int, marked: int) -> float:
    """The hypergeometric probabilities from `first` up or down to `end`, without it."""
    step = 1 if end > first else -1
    total = relative = 1.0
    for k in range(first, end - step, step):
        if step > 0:
            relative *= (size_a - k) * (marked - k) / ((k + 1) * (size_b - marked + k + 1))
        else:
            relative *= k * (size_b - marked + k) / ((size_a - k + 1) * (marked - k + 1))
        total += relative
        if relative < total * _CONVERGED:
            break
    log_first = (
        _log_choose(size_a, first)
        + _log_choose(size_b, marked - first)
        - _log_choose(size_a + size_b, marked)
    )
    return min(1.0, exp(log_first) * total)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
