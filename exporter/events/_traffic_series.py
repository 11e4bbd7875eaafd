"""The series of page views."""

from exporter.core.metric import Kind, Metric

VIEWS = Metric("integration_page_views_total", "Page views.", Kind.COUNTER, labels=("route", "client"))

COUNTRIES = Metric(
    "integration_page_views_by_country_total", "Page views by country.", Kind.COUNTER, labels=("country",)
)
