"""Pure functions from the catalogue to text: rules, routes, dashboards, runbooks, reference pages."""
