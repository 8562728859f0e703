"""What went wrong, and where: the operation that made the first NaN, and why a gradient is None or zero."""

from tinygrad_lite.diagnostics import loops as loops
from tinygrad_lite.diagnostics.anomalies import AnomalyError as AnomalyError
from tinygrad_lite.diagnostics.anomalies import detect_anomalies as detect_anomalies
from tinygrad_lite.diagnostics.explaining import Explanation as Explanation
from tinygrad_lite.diagnostics.explaining import explain as explain

__all__ = ["AnomalyError", "Explanation", "detect_anomalies", "explain"]
