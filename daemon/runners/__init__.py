"""Who paints: the door that all runners have, and the runners."""
