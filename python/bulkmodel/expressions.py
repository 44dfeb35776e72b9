"""Excluded, for `set` and `update_where` of bulk_upsert(), and Lookup, for `lookups`."""

from bulkmodel.model.batch_table import Excluded as Excluded
from bulkmodel.verbs.lookups import Lookup as Lookup

__all__ = ["Excluded", "Lookup"]
