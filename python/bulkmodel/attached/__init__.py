"""Tables of a driver's own connection, without Django: bulkmodel.attach()."""
