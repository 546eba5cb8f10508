"""What the program costs, against the machine's limit and against others: `make bench`."""
