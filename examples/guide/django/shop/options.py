"""The settings, with values other than their defaults."""

# [settings]
INSTALLED_APPS = ["bulkmodel"]  # for the system checks; the managers work without it

MAX_CONCURRENT_BATCH_WRITES = 8  # most connections of one call; default 4
ALWAYS_USE_CONCURRENT_BATCH_WRITES = True  # unless a call passes concurrent=False; default False
BULKMODEL_LOCATE_IN_ATOMIC = True  # find the row of an error inside atomic(); default: large calls
BULKMODEL_SQLITE_PROBE = True  # the fast way on SQLite without extension loading; default True
# [end settings]
