"""Write many rows: Django's bulk methods on the engine of libbulkmodel."""

__version__ = "0.1.0"
