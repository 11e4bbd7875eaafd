"""Charts of the page, drawn on the server: pure functions from rows to SVG and a table of the same numbers.

No text is in the drawing, so that it may be as narrow as a phone; it takes its colours from classes of the
page's style, since the Content-Security-Policy lets no attribute `style` work.
"""
