"""Evaluation: how good and how fair the whole pipeline would have been on feedback it has not seen.

The definitions of what is held out stand in `protocols`, those of the figures with the functions that compute
them; docs/how-to/evaluation.md has both in one place.
"""

from fairshot.evaluation.measured import Difference, Measured
from fairshot.evaluation.protocols import PROTOCOLS
from fairshot.evaluation.report import Evaluation, compare, read_report
from fairshot.evaluation.run import evaluate

__all__ = ["PROTOCOLS", "Difference", "Evaluation", "Measured", "compare", "evaluate", "read_report"]
