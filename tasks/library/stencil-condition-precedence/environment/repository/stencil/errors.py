"""What goes wrong with a template."""


class TemplateError(ValueError):
    """The template's text cannot be understood, or names a filter that does not exist."""
