"""The measurement of many tenants runs, at a tiny size; what it says of speed is not looked at."""

from benchmarks import tenants


def test_every_scrape_of_the_measurement_has_every_tenant() -> None:
    load, series, lag = tenants.rows(quick=True)
    assert (load.name, series.name, lag.name) == ("T1", "T2", "T3")
    assert series.met
