"""The engine on Django's connections: steps, transactions, workers, timeouts, errors."""
