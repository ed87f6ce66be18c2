"""Maximum mean discrepancy (MMD): how far apart two samples of numbers are as distributions.

Source: Gretton, Borgwardt, Rasch, Schoelkopf, Smola, "A Kernel Two-Sample Test", JMLR 2012.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, real

ACCURACY = 1e-9
"""Largest error of the kernel that `characteristic_mmd` accepts."""


def maximum_mean_discrepancy(first: ArrayLike, second: ArrayLike) -> float:
    """Squared MMD of two samples under the Gaussian kernel of unit width.

    Formula: mean k(a, a') - 2 mean k(a, b) + mean k(b, b') over all pairs, a pair of an element with itself
    included, with k(x, y) = exp(-(x - y)^2). At least zero, and zero for equal samples.
    Shapes: first [n], second [m] -> float within [0, 2]. Costs (n + m)^2; `characteristic_mmd` costs n + m.
    Errors: ValueError for other shapes, empty samples, numbers that are not finite.

    >>> maximum_mean_discrepancy([0.0, 1.0], [1.0, 0.0])
    0.0
    >>> round(maximum_mean_discrepancy([0.0], [1.0]), 4)
    1.2642
    """
    a, b = real("first", first, (None,)), real("second", second, (None,))
    return float(_kernel_mean(a, a) - 2 * _kernel_mean(a, b) + _kernel_mean(b, b))


def kernel_frequencies(nodes: int = 32) -> tuple[Floats, Floats]:
    """Write the kernel as a sum of few cosines: its frequencies f and their weights w.

    Formula: k(x, y) = sum_q w_q cos(f_q (x - y)).
    The kernel exp(-d^2) is the characteristic function of a normal distribution of variance 2, so
    Gauss-Hermite quadrature of twice as many nodes, folded at zero, gives it to 1e-9 for |x - y| <= 6 with
    32 of them. Samples of a wider range need a narrower scale first.
    Shapes: returns frequencies and weights [nodes]. Errors: ValueError for nodes outside [1, 128].

    >>> frequencies, weights = kernel_frequencies()
    >>> round(float(weights @ np.cos(frequencies * 0.5)), 6) == round(float(np.exp(-0.25)), 6)
    True
    """
    if not 1 <= nodes <= 128:
        raise ValueError(f"nodes must lie within [1, 128], shape (): {nodes}")
    roots, weights = np.polynomial.hermite.hermgauss(2 * nodes)
    return 2 * roots[nodes:], 2 * weights[nodes:] / np.sqrt(np.pi)


def characteristic_mmd(first: ArrayLike, second: ArrayLike, nodes: int = 32) -> float:
    """Squared MMD of two samples at a cost that grows with their size, not with its square.

    Formula: sum_q w_q |phi_first(f_q) - phi_second(f_q)|^2 with phi(f) = mean exp(i f x), the empirical
    characteristic function, and f, w of `kernel_frequencies`. Equals `maximum_mean_discrepancy` to 4e-9: no value of
    the kernel errs by more than 1e-9. With 32 nodes that allows samples whose joint range is 6, with fewer less.
    Shapes: first [n], second [m] -> float. Errors: as `maximum_mean_discrepancy` and `kernel_frequencies`, and
    ValueError for samples of a wider joint range than the nodes reach; scale them, or take more nodes.

    >>> round(characteristic_mmd([0.0], [1.0]), 4)
    1.2642
    """
    a, b = real("first", first, (None,)), real("second", second, (None,))
    frequencies, weights = kernel_frequencies(nodes)
    span = max(a.max(), b.max()) - min(a.min(), b.min())
    apart = np.linspace(0, span, 1 + int(np.ceil(min(span, 1e3) * nodes)))
    error = np.abs(np.cos(np.outer(apart, frequencies)) @ weights - np.exp(-(apart**2))).max()
    if error > ACCURACY:
        raise ValueError(
            f"first and second, shapes {a.shape} and {b.shape}, range over {span:g}: too wide for {nodes} nodes "
            f"(the kernel would err by {error:.1e})"
        )
    cosine = np.cos(np.outer(a, frequencies)).mean(0) - np.cos(np.outer(b, frequencies)).mean(0)
    sine = np.sin(np.outer(a, frequencies)).mean(0) - np.sin(np.outer(b, frequencies)).mean(0)
    return float(weights @ (cosine**2 + sine**2))


def _kernel_mean(a: Floats, b: Floats) -> float:
    return float(np.exp(-((a[:, None] - b[None, :]) ** 2)).mean())
