"""Ursa in notebooks: magics, a catalog browser and the progress of downloads."""
