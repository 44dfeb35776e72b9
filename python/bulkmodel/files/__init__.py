"""Read a file of rows for a model: manage.py bulkload."""
