"""Measures the proxy beside its peers: `make bench`. Nothing here is part of the product."""
