"""The hardware as data: units, streams, memories, boards and what they cost."""
