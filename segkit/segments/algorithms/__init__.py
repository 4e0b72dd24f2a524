"""One file per algorithm, and a registry that names them."""
