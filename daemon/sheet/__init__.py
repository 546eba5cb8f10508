"""The picture of all styles with their names."""
