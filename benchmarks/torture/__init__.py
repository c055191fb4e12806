"""Kill torture: clients of all four APIs work while parts of the service are killed and stopped,
then everything is counted.

`python -m benchmarks.torture --kills 60 --seconds 720 --clients 8 --seed 1`
"""
