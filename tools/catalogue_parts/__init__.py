"""Parts of the catalogue build: one module per family of tables. Run `build_catalogue.py`, not these."""
