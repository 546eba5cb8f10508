"""Pictures that come with the program: the starter styles, and sample photos for a first try."""
