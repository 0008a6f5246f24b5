"""The stores: legacy databases, staged files, target databases. All I/O of the pipeline is here."""
