"""The HTTP side: one table of routes, who may use them, handlers, pages."""
