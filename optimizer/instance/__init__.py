"""What one planning question states: typed models, loading from files, and every check that needs no solver."""
