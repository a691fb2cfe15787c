"""A portal as large as one likes, from a fixed seed: the databases that the scale of lists and jobs is measured on."""
