"""The command line. It speaks HTTP to a running service; only a few commands open files (see `commands`)."""
