"""The report of a trained model: one HTML file that shows what was learned, how well, and why."""

from chainrule.report.page import report, report_page

__all__ = ["report", "report_page"]
