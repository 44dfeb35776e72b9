"""One module for each method of the queryset that writes or reads many rows."""
