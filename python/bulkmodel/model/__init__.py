"""A model as the engine sees it: fields, keys, values, and what a queryset knows of its rows."""
