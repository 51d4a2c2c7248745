"""The mathematics: arrays in, arrays out. Needs numpy and scipy, nothing else."""
