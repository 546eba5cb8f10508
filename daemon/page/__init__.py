"""The page in the share's root that shows how things are: what it knows, its words, its looks."""
