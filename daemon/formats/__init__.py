"""What single file formats are made of; `daemon.pictures` is the door to it."""
