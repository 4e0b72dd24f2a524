"""Row 1: rows in. The only room that names a frame library other than narwhals."""
