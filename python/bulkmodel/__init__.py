"""Fast bulk writes for Django, on the engine of libbulkmodel."""

__version__ = "0.1.0"
