from ursa.readers.source import Reader

READER = Reader("EyeLink", lambda s, n: [], lambda s, n: [])
