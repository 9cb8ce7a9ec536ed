"""The pages: CherryPy and Jinja2 live here and nowhere else. ``wsgi.build(app)`` is the door."""
