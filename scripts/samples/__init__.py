"""The sample photos and the starter styles: drawn, not photographed, so that they are ours.

Every drawing is a function of a width, a height and nothing else: the randomness in it is seeded,
shapes and strokes are placed in units of the picture's height, so that a small drawing is the
large one made smaller.
"""
