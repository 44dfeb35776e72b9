"""Expressions for the arguments `set` and `update_where` of bulk_upsert()."""

from bulkmodel.model.batch_table import Excluded as Excluded

__all__ = ["Excluded"]
