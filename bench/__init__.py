"""How fast it is beside the raw floor of this machine: `make bench`."""
