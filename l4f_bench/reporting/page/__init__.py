"""A report as one HTML page that loads nothing from elsewhere."""

from l4f_bench.reporting.page.writing import PAGE_FILE, write_page

__all__ = ["PAGE_FILE", "write_page"]
