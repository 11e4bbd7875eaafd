"""The page on the views that others may read of the store."""

from collections.abc import Iterable

from exporter.generate import paths
from exporter.generate.document import as_markdown, table
from exporter.store.view import View
from exporter.store.views import SCHEMA

PATH = f"{paths.REFERENCE}/store-views.md"


def view_page(views: Iterable[View]) -> str:
    """Return the page of all views, their columns in order."""
    rows = [
        (f"`{SCHEMA}.{view.name}`", view.about, ", ".join(f"`{name}`" for name in view.columns))
        for view in views
    ]
    return as_markdown(
        "# Views of the store",
        "What Grafana, and whoever else may use the schema, reads of a store in PostgreSQL; "
        "[dashboards](../dashboards.md#panels-from-the-store) says how. Names and columns stay when tables "
        "change. `time` is `at`, the Unix seconds, as a time; conditions on `at` use its index.",
        table(("View", "A row is", "Columns"), rows),
    )
