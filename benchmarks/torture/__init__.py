"""Kill torture: clients upload and tag while parts of the service are killed, then all is counted.

`python -m benchmarks.torture --kills 40 --clients 4 --seed 1`
"""
