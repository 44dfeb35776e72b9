"""The settings, with other values than they have by themselves."""

# [settings]
INSTALLED_APPS = ["bulkmodel"]  # the system checks; the managers work without it

MAX_CONCURRENT_BATCH_WRITES = 8  # connections of one call at most; 4 where it is not set
ALWAYS_USE_CONCURRENT_BATCH_WRITES = True  # where a call does not say concurrent=False
# [end settings]
